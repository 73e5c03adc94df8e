package app

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/mail"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"golang.org/x/term"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/internal/config"
)

// postmasterCommand is about the mails to the operator of the server.
type postmasterCommand struct {
	List   postmasterListCommand   `cmd:"" help:"List the mails, the first one first."`
	Show   postmasterShowCommand   `cmd:"" help:"Print a mail as it came."`
	Delete postmasterDeleteCommand `cmd:"" help:"Delete mails."`
}

type postmasterListCommand struct{ settingsFlags }

// Run lists the mails, whichever process has taken them.
func (cmd *postmasterListCommand) Run(c *console) error {
	return cmd.withPostmaster(c, func(p *db.Postmaster) error {
		list, err := p.List(c.ctx)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Fprintln(c.stderr, "There are no mails to the operator.")
			return nil
		}
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tCAME\tBYTES\tFROM\tSUBJECT")
		for _, m := range list {
			raw, err := p.Read(c.ctx, m.ID)
			if errors.Is(err, db.ErrNotFound) { // it was deleted meanwhile
				continue
			}
			if err != nil {
				return err
			}
			from, subject := headOf(raw)
			fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\n", m.ID, m.At.Format("2006-01-02 15:04"), m.Size, from, subject)
		}
		return w.Flush()
	})
}

// headOf returns who a mail says that it is from, and its subject, as a terminal may show them.
func headOf(raw []byte) (from, subject string) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return "?", "?"
	}
	shown := func(name string) string {
		const longest = 60
		value := m.Header.Get(name)
		if words, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
			value = words
		}
		value = strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return -1
		}, value)
		if letters := []rune(value); len(letters) > longest {
			value = string(letters[:longest-1]) + "…"
		}
		return value
	}
	return shown("From"), shown("Subject")
}

type postmasterShowCommand struct {
	settingsFlags
	ID string `arg:"" help:"The number of the mail, as ticketfrei postmaster list has it."`
}

// Run prints a mail.
func (cmd *postmasterShowCommand) Run(c *console) error {
	id, err := mailID(cmd.ID)
	if err != nil {
		return err
	}
	return cmd.withPostmaster(c, func(p *db.Postmaster) error {
		raw, err := p.Read(c.ctx, id)
		if err != nil {
			return unknownMail(id, err)
		}
		if file, ok := c.stdout.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			raw = withoutControls(raw)
		}
		_, err = c.stdout.Write(raw)
		return err
	})
}

// withoutControls is a text as a terminal may get it that strangers have written: without what
// moves its cursor, names its window or is typed into it.
func withoutControls(text []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

type postmasterDeleteCommand struct {
	settingsFlags
	ID  []string `arg:"" optional:"" help:"The numbers of the mails, as ticketfrei postmaster list has them."`
	All bool     `help:"Delete all of them."`
}

// Run deletes mails.
func (cmd *postmasterDeleteCommand) Run(c *console) error {
	if (len(cmd.ID) == 0) != cmd.All {
		return &usageError{errors.New("say which mails: their numbers, or --all")}
	}
	var ids []int64
	for _, text := range cmd.ID {
		id, err := mailID(text)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	return cmd.withDatabase(c, func(c *console, _ *config.Config, d *db.DB, _ []bots.Definition) error {
		if cmd.All {
			return d.EmptyPostmaster(c.ctx)
		}
		for _, id := range ids {
			if err := d.DeletePostmaster(c.ctx, id); err != nil {
				return unknownMail(id, err)
			}
		}
		return nil
	})
}

func mailID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &usageError{fmt.Errorf("%q is no number of a mail: see ticketfrei postmaster list", text)}
	}
	return id, nil
}

// unknownMail says in plain words that there is no mail of that number; other errors stay.
func unknownMail(id int64, err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("there is no mail %d (see ticketfrei postmaster list)", id)
	}
	return err
}

// withPostmaster reads the settings and runs work with the mails to the operator, which it
// only reads.
func (f settingsFlags) withPostmaster(c *console, work func(*db.Postmaster) error) error {
	definitions := all.Networks()
	cfg, err := f.load(c, definitions)
	if err != nil {
		return err
	}
	v, err := openView(c.ctx, cfg, definitions)
	if err != nil {
		return err
	}
	defer v.Close()
	if v.other != nil && !v.other.newer {
		return v.other
	}
	return work(v.Postmaster(v.box))
}
