package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"ticketfrei/app/doctor"
	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/frontend"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
)

type doctorCommand struct {
	settingsFlags
	jsonFlag
	To string `help:"Domain whose mail server is tried where mail goes to each recipient's server directly; no mail is sent." placeholder:"DOMAIN"`
}

// listedResult is what was found about one thing, as scripts read it.
type listedResult struct {
	Level string `json:"level"` // "ok", "warning" or "wrong"
	What  string `json:"what"`
	Found string `json:"found"`
	Todo  string `json:"todo,omitempty"`
}

// doctorTimeout bounds the whole examination.
const doctorTimeout = 45 * time.Second

// Run looks at what the server needs, and prints a line for each thing. The exit code
// is 0 if all is well, 1 with warnings, 2 if something is wrong.
func (cmd *doctorCommand) Run(c *console) error {
	ctx, cancel := context.WithTimeout(c.ctx, doctorTimeout)
	defer cancel()
	results := cmd.examine(c.with(ctx))
	count := map[doctor.Level]int{}
	var listed []listedResult
	for _, r := range results {
		count[r.Level]++
		listed = append(listed, listedResult{r.Level.String(), r.What, r.Found, r.Todo})
		if !cmd.JSON {
			fmt.Fprintln(c.stdout, r)
		}
	}
	if cmd.JSON {
		if err := printJSON(c.stdout, listed); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(c.stdout, "\n%d wrong, %d to look at, %d fine\n", count[doctor.Wrong], count[doctor.Warning], count[doctor.OK])
	}
	if code := exitCodeOf(results); code != exitOK {
		return exitCode(code)
	}
	return nil
}

// exitCodeOf is how bad the worst result is.
func exitCodeOf(results []doctor.Result) int {
	worst := doctor.OK
	for _, r := range results {
		worst = max(worst, r.Level)
	}
	return int(worst)
}

// examine does the checks; what the settings or the database lack is a result too.
func (cmd *doctorCommand) examine(c *console) []doctor.Result {
	definitions := all.Networks()
	cfg, err := cmd.load(c, definitions)
	if err != nil {
		var list []doctor.Result
		for line := range strings.Lines(err.Error()) {
			list = append(list, doctor.Result{Level: doctor.Wrong, What: "settings", Found: strings.TrimSpace(line)})
		}
		return list
	}
	send := mailer.New(cfg, slog.New(slog.DiscardHandler), time.Now)
	defer send.Close()
	o := doctor.Options{Config: cfg, Mailer: send, DNS: c.resolver(), To: cmd.To, Addresses: c.own(), SMTPPort: c.smtpPort, Now: time.Now}
	first := lookIntoDatabase(c.ctx, cfg, definitions, &o)
	return append([]doctor.Result{first}, doctor.Examine(c.ctx, o)...)
}

// lookIntoDatabase fills in what the checks need of the database, as far as it can be
// read. It makes and changes nothing.
func lookIntoDatabase(ctx context.Context, cfg *config.Config, definitions []bots.Definition, o *doctor.Options) doctor.Result {
	r := doctor.Result{Level: doctor.OK, What: "database", Found: "it can be opened with its secret key"}
	v, err := openView(ctx, cfg, definitions)
	if errors.Is(err, errNoDatabase) {
		r.Level, r.Found, r.Todo = doctor.Warning, err.Error(), `start the program ("ticketfrei serve"), which makes it, and look again`
		return r
	}
	if err == nil {
		defer v.Close()
		o.Instance = frontend.Instance(v.box)
		err = readDatabase(ctx, v, cfg.Mail.Domain, o)
	}
	switch {
	case v != nil && v.other != nil: // the rest may fail for that reason
		r.Level, r.Found, r.Todo = doctor.Warning, "it "+v.other.found, v.other.todo
		if v.other.newer {
			r.Level = doctor.Wrong
		}
	case err != nil:
		r.Level, r.Found, r.Todo = doctor.Wrong, err.Error(), "docs/OPERATING.md says more under \"When something is wrong\""
	}
	return r
}

func readDatabase(ctx context.Context, v *view, domain string, o *doctor.Options) error {
	keys, err := storedKeys(ctx, v.Secrets(v.box))
	if err != nil && !errors.Is(err, db.ErrNotFound) { // which the checks say
		return err
	}
	o.Keys = keys
	cities, err := v.Cities(ctx, "", 1)
	if err == nil && len(cities) > 0 {
		o.Sender = cities[0].Slug + "@" + domain
	}
	return err
}
