package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"text/tabwriter"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/frontend"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

type cityCommand struct {
	Add    cityAddCommand    `cmd:"" help:"Add a city with a moderator who can log in at once."`
	List   cityListCommand   `cmd:"" help:"List the cities."`
	Places cityPlacesCommand `cmd:"" help:"Store the lines and stops of a city, or print them."`
}

type cityAddCommand struct {
	settingsFlags
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
	err := report.CheckSlug(cmd.Slug)
	if errors.Is(err, report.ErrInvalid) {
		return fmt.Errorf("the slug %q cannot be used: 2 to 40 lower case letters a to z, digits and hyphens between them%s; write the name with --name", cmd.Slug, cmd.example())
	}
	if err != nil {
		return fmt.Errorf("the slug %q cannot be used: %w", cmd.Slug, err)
	}
	address, err := mail.ParseAddress(cmd.Email)
	if err != nil || address.Address != cmd.Email {
		return fmt.Errorf("%q is not a mail address", cmd.Email)
	}
	cmd.Email = strings.ToLower(cmd.Email)
	if err := cmd.checkPassword(); err != nil {
		return err
	}
	if cmd.Zone != "" && zone.Known(cmd.Zone) == "" {
		return fmt.Errorf("%q is no time zone: write one with its region and city, such as Europe/Berlin", cmd.Zone)
	}
	if cmd.Name = strings.TrimSpace(cmd.Name); cmd.Name == "" {
		cmd.Name = cmd.Slug
	}
	return nil
}

// example is a slug that might be meant, as ", such as nuernberg".
func (cmd *cityAddCommand) example() string {
	slug := report.Slug(cmd.Slug)
	if report.CheckSlug(slug) != nil {
		slug = "nuernberg"
	}
	return ", such as " + slug
}

// checkPassword says what is wrong with the password, if one is given.
func (cmd *cityAddCommand) checkPassword() error {
	if cmd.Password == "" {
		return nil
	}
	switch frontend.CheckPassword(cmd.Password, cmd.Email, cmd.Slug, cmd.Name) {
	case "":
		return nil
	case "form.password.short":
		return fmt.Errorf("the password is too short: at least %d characters", frontend.MinPassword)
	case "form.password.long":
		return fmt.Errorf("the password is too long: at most %d bytes", frontend.MaxPassword)
	}
	return errors.New("the password is easy to guess: take three or four words that have nothing to do with each other, or leave it out to have one made")
}

func (cmd *cityAddCommand) add(c *console, cfg *config.Config, d *db.DB, definitions []bots.Definition) error {
	if _, err := d.FindCity(c.ctx, cmd.Slug); err == nil {
		return fmt.Errorf("there is already a city %s", cmd.Slug)
	}
	moderator, note, err := cmd.moderator(c.ctx, d)
	if err != nil {
		return err
	}
	if err := d.FreeSlug(c.ctx, cmd.Slug); err != nil { // the operator may
		return err
	}
	city := censor.NewCity(cmd.Slug, cmd.Name, cmd.Language)
	city.Zone = zone.Known(cmd.Zone)
	made, err := d.CreateCity(c.ctx, city, moderator.ID, everywhere(definitions))
	if errors.Is(err, db.ErrTaken) {
		return fmt.Errorf("there is already a city %s", cmd.Slug)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "Added %s.\nPage:   %s/city/%s\nMail:   %s@%s\nLog in: %s/login as %s%s\n",
		made.Name, cfg.Web.URL, made.Slug, made.Slug, cfg.Mail.Domain, cfg.Web.URL, moderator.Email, note)
	return err
}

// moderator returns the moderator with that address, creating one if there is
// none, and what to tell the operator about the password.
func (cmd *cityAddCommand) moderator(ctx context.Context, d *db.DB) (db.Moderator, string, error) {
	known, err := d.FindModerator(ctx, cmd.Email)
	if err == nil {
		return known, " (a moderator already: the password stays as it is)", nil
	}
	if !errors.Is(err, db.ErrNotFound) {
		return db.Moderator{}, "", err
	}
	note := ""
	if cmd.Password == "" {
		cmd.Password = rand.Text()
		note = ", password " + cmd.Password
	}
	hash, err := frontend.HashPassword(cmd.Password)
	if err != nil {
		return db.Moderator{}, "", fmt.Errorf("hash password: %w", err)
	}
	made, err := d.CreateModerator(ctx, cmd.Email, hash)
	return made, note, err
}

// everywhere returns the networks on which every city has a bot from the start.
func everywhere(definitions []bots.Definition) []string {
	var names []string
	for _, d := range definitions {
		if d.Everywhere {
			names = append(names, d.Name)
		}
	}
	return names
}

type cityListCommand struct{ settingsFlags }

// listLimit is how many cities are listed: all of them, in practice.
const listLimit = 1_000_000

// Run lists the cities.
func (cmd *cityListCommand) Run(c *console) error {
	return cmd.withDatabase(c, cmd.list)
}

func (cmd *cityListCommand) list(c *console, cfg *config.Config, d *db.DB, _ []bots.Definition) error {
	cities, err := d.Cities(c.ctx, "", listLimit)
	if err != nil {
		return err
	}
	if len(cities) == 0 {
		fmt.Fprintln(c.stderr, "There are no cities yet. Add one: ticketfrei city add SLUG --email ADDRESS")
		return nil
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SLUG\tNAME\tMAIL\tSINCE")
	for _, ct := range cities {
		fmt.Fprintf(w, "%s\t%s\t%s@%s\t%s\n", ct.Slug, ct.Name, ct.Slug, cfg.Mail.Domain, ct.Created.Format("2006-01-02"))
	}
	return w.Flush()
}
