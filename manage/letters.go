package manage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/address"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// Letters writes mails about cities to their moderators, and to the operator. Where no mail can
// leave, none is written.
type Letters struct {
	Mails  Mails
	Texts  *i18n.Catalogue
	Config *config.Config
	// Secrets signs the links of mails.
	Secrets *secret.Box
	Log     *slog.Logger
	Now     func() time.Time
}

// Mails takes mails and sends them.
type Mails interface {
	// StoreMail stores a mail. When it returns nil, the mail is on disk and will be sent.
	StoreMail(ctx context.Context, m mailer.Mail) error
}

// toModerators writes the text id to all moderators of a city, in its language. id has a
// subject and a text, which are filled with data besides the City, its Address, its Page and
// the Settings.
func (l *Letters) toModerators(ctx context.Context, d *db.DB, c report.City, id string, data ...any) error {
	if l == nil {
		return nil
	}
	list, err := d.CityModerators(ctx, c.ID)
	if err != nil {
		return err
	}
	return l.to(ctx, list, c, id, data...)
}

// to is toModerators for some of them.
func (l *Letters) to(ctx context.Context, moderators []db.Moderator, c report.City, id string, data ...any) error {
	var errs []error
	for _, mod := range moderators {
		errs = append(errs, l.write(ctx, mod.Email, c, id, data...))
	}
	return errors.Join(errs...)
}

func (l *Letters) write(ctx context.Context, to string, c report.City, id string, data ...any) error {
	if l == nil {
		return nil
	}
	if !l.Config.Mail.Leaves() {
		l.Log.Warn("a mail was to be sent, but none can leave: set mail.domain or mail.relay")
		return nil
	}
	lang, site := i18n.ForModerators(c.Language), l.Config.Web.URL
	data = append(data, "City", c.Name, "Slug", c.Slug, "Site", site, "Address", c.Slug+"@"+l.Config.Mail.Domain, "Page", site+"/city/"+c.Slug, "Settings", site+"/settings")
	text := l.Texts.T(lang, id+".text", data...) + "\n\n" + l.Texts.T(lang, "account_mail.footer", "URL", site) + "\n"
	err := l.Mails.StoreMail(ctx, mailer.AccountMail(l.Config.Mail, to, l.Texts.T(lang, id+".subject", data...), text, l.Now()))
	if err != nil {
		return fmt.Errorf("mail about city %s: %w", c.Slug, err)
	}
	return nil
}

// tellOperator writes to the operator that somebody has added a city. The city is made all the
// same where that fails.
func (m *Cities) tellOperator(ctx context.Context, c report.City, owner db.Moderator) {
	operator := m.Door().Operator
	if operator == "" {
		return
	}
	id := "life.mail.new"
	if c.Waiting {
		id = "life.mail.waits"
	}
	if err := m.Letters.write(ctx, operator, c, id, "Who", address.Masked(owner.Email)); err != nil {
		m.Log.Error("the operator is not told of a new city", "city", c.Slug, "err", err)
	}
}
