package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
	"ticketfrei/manage"
	"ticketfrei/moving"
)

type importCommand struct {
	Ticketfrei2 importTicketfrei2Command `cmd:"" name:"ticketfrei2" help:"Take the cities of a Ticketfrei 2 over."`
	Kibicara    importKibicaraCommand    `cmd:"" name:"kibicara" help:"Take the hoods of a Kibicara over, as cities."`
}

// importFlags are those of taking cities over from another program. --config is the file of
// that program, not ours.
type importFlags struct {
	Settings string `help:"File with settings of this server that differ from the defaults; without it /etc/ticketfrei/config.toml, where there is one." env:"TICKETFREI_CONFIG" placeholder:"FILE"`
	DryRun   bool   `help:"Say what would come, and store nothing."`
	File     string `arg:"" help:"The database of the other program. It is only read, and that program may run."`
}

type importTicketfrei2Command struct {
	importFlags
	Config string `help:"The config.toml of Ticketfrei 2: it tells where mail to its cities went." placeholder:"FILE" type:"path"`
}

// Run takes the cities of a Ticketfrei 2 over. A running server begins with them at once.
func (cmd *importTicketfrei2Command) Run(c *console) error {
	return cmd.run(c, cmd.Config, moving.ReadTicketfrei2)
}

type importKibicaraCommand struct {
	importFlags
	Config string `help:"The kibicara.conf: its secret opens the links in old mails." placeholder:"FILE" type:"path"`
}

// Run takes the hoods of a Kibicara over. A running server begins with them at once.
func (cmd *importKibicaraCommand) Run(c *console) error {
	return cmd.run(c, cmd.Config, moving.ReadKibicara)
}

// run takes over what read finds in the file.
func (f importFlags) run(c *console, old string, read func(context.Context, string, moving.Options) (moving.Source, error)) error {
	var from moving.Source
	var scratch string // what is only tried is made there
	defer func() {
		if scratch != "" {
			os.RemoveAll(scratch)
		}
	}()
	there := func(cfg *config.Config, definitions []bots.Definition) (err error) {
		from, err = read(c.ctx, f.File, moving.Options{Settings: old, Ours: cfg.Mail.Domain, Now: time.Now()})
		switch {
		case err != nil:
			return err
		case f.DryRun:
			scratch, err = tryBeside(c.ctx, cfg, definitions)
			return err
		}
		return makeDataDir(cfg.Data) // a server that cities move to may not have run yet
	}
	return settingsFlags{f.Settings}.beside(c, there, func(c *console, s *server) error {
		in, err := s.cities.MoveIn(c.ctx, from, f.DryRun)
		if err != nil {
			return fmt.Errorf("%w; nothing was stored", err)
		}
		p := protocol{c.stdout, s, from, f.DryRun}
		p.print(in)
		return nil
	})
}

// tryBeside has the settings name a database in which something can be tried: the one that
// there is, or an empty one in the directory that it returns, where there is none.
func tryBeside(ctx context.Context, cfg *config.Config, definitions []bots.Definition) (scratch string, err error) {
	v, err := openView(ctx, cfg, definitions)
	if errors.Is(err, errNoDatabase) {
		cfg.Database.URL = ""
		scratch, err = os.MkdirTemp("", "ticketfrei-try-")
		cfg.Data = scratch
		return scratch, err
	}
	if err != nil {
		return "", err
	}
	defer v.Close()
	if v.other != nil { // to try it would bring the database up to date
		return "", v.other
	}
	return "", nil
}

// protocol prints what became of an import.
type protocol struct {
	io.Writer
	server *server
	from   moving.Source
	tried  bool
}

// say prints a line. The words of the other program are strangers' words.
func (p protocol) say(format string, args ...any) {
	_, _ = p.Write(append(withoutControls(fmt.Appendf(nil, format, args...)), '\n'))
}

func (p protocol) print(in manage.MovedIn) {
	added, changed := 0, 0
	for _, c := range in.Cities {
		if p.city(c); c.New {
			added++
		} else if c.Changed() {
			changed++
		}
	}
	if len(in.Notes) > 0 {
		p.say("Of no city that came:")
		p.notes(in.Notes)
	}
	if domain := p.from.Domain; domain != "" && !strings.EqualFold(domain, p.server.cfg.Mail.Domain) {
		p.say("Mail to the cities went to @%s: have it go to this server too, and name it with the setting mail.domains.", domain)
	}
	switch {
	case p.tried:
		p.say("Nothing was stored. %s would come, and %s would get something more.", cities(added), cities(changed))
	case added == 0 && changed == 0:
		p.say("There is nothing new.")
	default:
		p.say("%s came, and %s got something more.", cities(added), cities(changed))
	}
}

func cities(n int) string {
	if n == 1 {
		return "1 city"
	}
	return fmt.Sprintf("%d cities", n)
}

func (p protocol) city(c manage.MovedCity) {
	if !c.Changed() && len(c.Notes) == 0 {
		return
	}
	cfg := p.server.cfg
	if c.ID == 0 {
		p.say("%s", c.Old)
	} else {
		p.say("%s: %s/city/%s, %s@%s", c.Name, cfg.Web.URL, c.Slug, c.Slug, cfg.Mail.Domain)
	}
	var list []string
	if c.Moderators > 0 {
		list = append(list, fmt.Sprintf("moderators: %d", c.Moderators))
	}
	for _, b := range c.Bots {
		what := b.Network
		if b.Recipients > 0 {
			what += fmt.Sprintf(" (subscribers: %d)", b.Recipients)
		}
		list = append(list, what)
	}
	if len(list) > 0 {
		p.say("  added: %s", strings.Join(list, "; "))
	}
	p.notes(c.Notes)
}

// notes prints the lines of a protocol.
func (p protocol) notes(list []moving.Note) {
	for _, n := range list {
		p.say("  - %s", manage.SayNote(p.server.cities.Letters.Texts, "en", n))
	}
}
