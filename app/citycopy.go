package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
)

// passphraseFlag is the flag of commands whose file may be sealed.
type passphraseFlag struct {
	PassphraseFile string `help:"File with the passphrase that the file is sealed with." placeholder:"FILE" type:"path"`
}

// read returns the passphrase; empty where there is none.
func (f passphraseFlag) read() (string, error) {
	if f.PassphraseFile == "" {
		return "", nil
	}
	raw, err := os.ReadFile(f.PassphraseFile)
	if err != nil {
		return "", err
	}
	passphrase := strings.TrimRight(string(raw), "\r\n")
	if passphrase == "" {
		return "", fmt.Errorf("%s is empty: write the passphrase into it", f.PassphraseFile)
	}
	return passphrase, nil
}

type cityExportCommand struct {
	settingsFlags
	passphraseFlag
	cityArg
	File string `arg:"" help:"File to write; - is standard output."`
}

// Run writes all that is stored of the city to a file.
func (cmd *cityExportCommand) Run(c *console) error {
	passphrase, err := cmd.read()
	if err != nil {
		return err
	}
	return cmd.with(cmd.settingsFlags, c, func(s *server, city report.City) error {
		var left []string
		write := func(w io.Writer) (err error) {
			left, err = s.cities.Export(c.ctx, city.ID, passphrase, w)
			return err
		}
		if cmd.File == toStdout {
			err = write(c.stdout)
		} else {
			err = writeNew(cmd.File, write)
		}
		if err != nil {
			return err
		}
		for _, what := range left {
			fmt.Fprintln(c.stderr, "Left out:", what)
		}
		if passphrase == "" {
			fmt.Fprintln(c.stderr, "Whoever has the file can read the addresses of subscribers and use the accounts: keep it as you keep the secret key, or seal it with --passphrase-file.")
		}
		if !city.Off() {
			fmt.Fprintf(c.stderr, "%s is still on here. Before it begins elsewhere, suspend it and export it again: ticketfrei city suspend %s --reason \"It moves.\"\n", city.Name, city.Slug)
		}
		return nil
	})
}

// writeNew writes a file that nobody else can read, and that is not there yet. One that could
// not be written whole is gone again.
func writeNew(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

type cityImportCommand struct {
	settingsFlags
	jsonFlag
	passphraseFlag
	File string `arg:"" help:"File that city export has written; - is standard input."`
	As   string `help:"Another name in addresses than the city had." placeholder:"SLUG"`
}

// Run makes a city of a file. A running server begins with it at once.
func (cmd *cityImportCommand) Run(c *console) error {
	passphrase, err := cmd.read()
	if err != nil {
		return err
	}
	from := c.typed()
	if cmd.File != toStdout {
		f, err := os.Open(cmd.File)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	read, err := manage.ReadCity(from, passphrase, cmd.As) // before a data directory is made for it
	if err != nil {
		return cmd.explain(err)
	}
	anew := func(cfg *config.Config, _ []bots.Definition) error { return makeDataDir(cfg.Data) } // a server that is to be moved may not have run yet
	return cmd.beside(c, anew, func(c *console, s *server) error {
		in, err := s.cities.Import(c.ctx, read)
		if err := errors.Join(err, giveAllToOwner(s.cfg.Data)); err != nil {
			return cmd.explain(err)
		}
		for _, what := range in.Left {
			fmt.Fprintln(c.stderr, "Left out:", what)
		}
		return cmd.say(c, s, in.City, "%s is here: %s/city/%s\nOn the server that it comes from, delete it without logging its accounts out: ticketfrei city delete %s --now --moved\n",
			in.Name, s.cfg.Web.URL, in.Slug, in.Was)
	})
}

// explain says what is wrong with a file.
func (cmd *cityImportCommand) explain(err error) error {
	switch wrong, ok := errors.AsType[*manage.Invalid](err); {
	case ok && cmd.As == "":
		return errors.New("its name is taken here, or reserved: give it another one with --as SLUG")
	case ok:
		return slugError(cmd.As, wrong)
	case errors.Is(err, manage.ErrNeedsPassphrase):
		return fmt.Errorf("%w: give it with --passphrase-file", err)
	case errors.Is(err, secret.ErrPassphrase):
		return secret.ErrPassphrase
	case errors.Is(err, bots.ErrAccountTaken):
		return fmt.Errorf("%w here; nothing was stored", err)
	}
	return err
}
