package app

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

type cityCommand struct {
	List    cityListCommand    `cmd:"" help:"List the cities, the newest first."`
	Add     cityAddCommand     `cmd:"" help:"Add a city with a moderator who can log in at once."`
	Places  cityPlacesCommand  `cmd:"" help:"Store the lines and stops of a city, or print them."`
	Suspend citySuspendCommand `cmd:"" help:"Switch a city off as a whole. Nothing is deleted."`
	Resume  cityResumeCommand  `cmd:"" help:"Let a city go on that is suspended, or begin that waits."`
	Rename  cityRenameCommand  `cmd:"" help:"Give a city another name in addresses; the old one goes on leading to it."`
	Alias   cityAliasCommand   `cmd:"" help:"List, add and remove further names of a city in addresses."`
	Delete  cityDeleteCommand  `cmd:"" help:"Delete a city: it can be brought back for seven days."`
	Restore cityRestoreCommand `cmd:"" help:"Bring a city back that was deleted."`
	Export  cityExportCommand  `cmd:"" help:"Write all that is stored of a city, but for its reports, to a file."`
	Import  cityImportCommand  `cmd:"" help:"Make a city of such a file, on another server."`
}

type cityAddCommand struct {
	settingsFlags
	jsonFlag
	Slug     string `arg:"" help:"Name of the city in addresses: lower case letters, digits and hyphens."`
	Email    string `required:"" help:"Address of the moderator."`
	Password string `env:"TICKETFREI_PASSWORD" help:"Password of the moderator; one is made and printed where none is given."`
	Name     string `help:"Name of the city; the slug where none is given."`
	Zone     string `help:"Time zone of the city, such as Europe/Berlin; that of the language where none is given."`
	Language string `enum:"de,en,tr,ar,uk,fr" default:"de" help:"Language of the city's page and of the mails to its riders: de, unless told otherwise, en, tr, ar, uk or fr."`
}

// Run adds the city to the database. A running server finds it at once.
func (cmd *cityAddCommand) Run(c *console) error {
	if err := cmd.check(); err != nil {
		return &usageError{err}
	}
	return cmd.withDatabase(c, cmd.add)
}

// check finds what is wrong with the arguments.
func (cmd *cityAddCommand) check() error {
	n := cmd.city()
	wrong, ok := errors.AsType[*manage.Invalid](n.Check())
	if !ok {
		return nil
	}
	errs := make([]error, len(wrong.Problems))
	for i, p := range wrong.Problems {
		errs[i] = cmd.explain(p)
	}
	return errors.Join(errs...)
}

// city is the city that is to be made.
func (cmd *cityAddCommand) city() manage.NewCity {
	return manage.NewCity{Slug: cmd.Slug, Name: cmp.Or(strings.TrimSpace(cmd.Name), cmd.Slug), Language: cmd.Language, Zone: cmd.Zone,
		Operator: true, Email: cmd.Email, Password: cmd.Password}
}

// explain says what is wrong with an argument.
func (cmd *cityAddCommand) explain(p manage.Problem) error {
	if err := wrongSlug(cmd.Slug, p.TextID); err != nil {
		if p.TextID == "form.short.invalid" {
			err = fmt.Errorf("%w; write the name with --name", err)
		}
		return err
	}
	switch p.TextID {
	case "form.city.long":
		return fmt.Errorf("the name is too long: at most %d characters", manage.MaxName)
	case "form.password.short":
		return fmt.Errorf("the password is too short: at least %d characters", manage.MinPassword)
	case "form.password.long":
		return fmt.Errorf("the password is too long: at most %d bytes", manage.MaxPassword)
	case "settings.texts.zone_unknown":
		return fmt.Errorf("%q is no time zone: write one with its region and city, such as Europe/Berlin", cmd.Zone)
	}
	if p.Field == "email" {
		return fmt.Errorf("%q is not a mail address", cmd.Email)
	}
	return errors.New("the password is easy to guess: take three or four words that have nothing to do with each other, or leave it out to have one made")
}

// wrongSlug says at a terminal what a text says of a slug; nil where it is about something else.
func wrongSlug(slug, textID string) error {
	switch textID {
	case "form.short.invalid":
		meant := report.Slug(slug)
		if report.CheckSlug(meant) != nil {
			meant = "nuernberg"
		}
		return fmt.Errorf("the slug %q cannot be used: 2 to 40 lower case letters a to z, digits and hyphens between them, such as %s", slug, meant)
	case "form.city.reserved":
		return fmt.Errorf("the slug %q cannot be used: %w", slug, report.ErrReserved)
	case "form.city.taken":
		return fmt.Errorf("the slug %s leads to a city already (see ticketfrei city list)", slug)
	}
	return nil
}

func (cmd *cityAddCommand) add(c *console, cfg *config.Config, d *db.DB, definitions []bots.Definition) error {
	cities, err := managed(d, definitions)
	if err != nil {
		return err
	}
	n, password := cmd.city(), ""
	if n.Password == "" {
		password = rand.Text()
		n.Password = password
	}
	made, err := cities.Create(c.ctx, n)
	if wrong, ok := errors.AsType[*manage.Invalid](err); ok {
		return cmd.explain(wrong.Problems[0])
	}
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(c.stdout, addedCity{made.Slug, made.Name, cfg.Web.URL + "/city/" + made.Slug, made.Slug + "@" + cfg.Mail.Domain, made.Owner.Email, madePassword(made, password)})
	}
	note := ""
	switch {
	case !made.New:
		note = " (a moderator already: the password stays as it is)"
	case password != "":
		note = ", password " + password
	}
	_, err = fmt.Fprintf(c.stdout, "Added %s.\nPage:   %s/city/%s\nMail:   %s@%s\nLog in: %s/login as %s%s\n",
		made.Name, cfg.Web.URL, made.Slug, made.Slug, cfg.Mail.Domain, cfg.Web.URL, made.Owner.Email, note)
	return err
}

// addedCity is a city that was added, as scripts read it.
type addedCity struct {
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Page     string `json:"page"`
	Mail     string `json:"mail"`
	Email    string `json:"email"`              // of its moderator
	Password string `json:"password,omitempty"` // that was made for them
}

// madePassword is the password that was made for a new moderator; empty where none was needed.
func madePassword(made manage.Made, password string) string {
	if !made.New {
		return ""
	}
	return password
}

// managed manages the cities of a database for a command. A running server finds what
// is changed by itself.
func managed(d *db.DB, definitions []bots.Definition) (*manage.Cities, error) {
	list := make([]manage.Network, len(definitions))
	for i, def := range definitions {
		list[i].Definition = def
	}
	return manage.New(manage.Options{DB: d, Notices: &notice.Board{}, Networks: list, Log: slog.New(slog.DiscardHandler)})
}
