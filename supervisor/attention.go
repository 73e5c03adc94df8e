package supervisor

import (
	"context"
	"embed"
	"errors"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
)

// Texts are the supervisor's texts for the translation catalogue.
//
//go:embed en.toml de.toml
var Texts embed.FS

// AttentionMail is an Attention that mails the moderators.
type AttentionMail struct {
	DB     *db.DB
	Queue  *queue.Queue
	Texts  *i18n.Catalogue
	Config *config.Config
	Now    func() time.Time
}

var _ Attention = (*AttentionMail)(nil)

// Tell puts a mail to every moderator of the bot's city into the queue: see
// Attention.
func (a *AttentionMail) Tell(ctx context.Context, b report.Bot, reason string) error {
	city, err := a.DB.BriefCity(ctx, b.CityID)
	if err != nil {
		return err
	}
	moderators, err := a.DB.CityModerators(ctx, b.CityID)
	if err != nil {
		return err
	}
	network := a.Texts.T(city.Language, b.Network+".title")
	values := []any{"City", city.Name, "Network", network, "Reason", reason,
		"URL", a.Config.Web.URL + bots.SettingsPath(b.Network)}
	subject := a.Texts.T(city.Language, "attention.subject", values...)
	text := a.Texts.T(city.Language, "attention.text", values...)
	var errs []error
	for _, m := range moderators {
		mail := mailer.AccountMail(a.Config.Mail, m.Email, subject, text, a.Now())
		errs = append(errs, a.Queue.PublishMail(ctx, mail))
	}
	return errors.Join(errs...)
}
