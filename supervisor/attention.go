package supervisor

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
)

// Texts are the supervisor's texts for the translation catalogue.
//
//go:embed en.toml de.toml
var Texts embed.FS

// AttentionMail is an Attention that mails the moderators.
type AttentionMail struct {
	DB           *db.DB
	AccountMails bots.AccountMails
	Networks     map[string]bots.Network // by name
	Texts        *i18n.Catalogue
	Config       *config.Config
	Log          *slog.Logger
	Now          func() time.Time
}

var _ Attention = (*AttentionMail)(nil)

// Tell mails the moderators of the bot's city that it needs them: see Attention.
func (a *AttentionMail) Tell(ctx context.Context, b report.Bot, reason string) error {
	return a.mail(ctx, b, "attention", "Reason", reason)
}

// Over mails them that the bot works again: see Attention.
func (a *AttentionMail) Over(ctx context.Context, b report.Bot) error {
	return a.mail(ctx, b, "attention.over")
}

// mail puts a mail to every moderator of the bot's city into the database. Its texts are
// below the id, or below id.several where the city has several bots of the network.
func (a *AttentionMail) mail(ctx context.Context, b report.Bot, id string, data ...any) error {
	city, err := a.DB.BriefCity(ctx, b.CityID)
	if err != nil {
		return err
	}
	language := i18n.ForModerators(city.Language)
	network := a.Texts.T(language, b.Network+".title")
	account := a.account(ctx, city, b)
	if account != "" {
		id += ".several"
	}
	subject := a.Texts.T(language, id+".subject", "Network", network) // nobody's own words
	text := a.Texts.T(language, id+".text", append(data, "City", city.Name, "Network", network, "Account", account,
		"URL", a.Config.Web.URL+bots.SettingsPath(b.Network))...)
	return bots.MailModerators(ctx, a.DB, a.AccountMails, a.Config.Mail, a.Now(), b.CityID, subject, text)
}

// account is what tells the bot from the city's others of its network; empty
// where there are none, or where it cannot be read: the mail goes out all the
// same.
func (a *AttentionMail) account(ctx context.Context, city report.City, b report.Bot) (text string) {
	addressed, ok := a.Networks[b.Network].(bots.Addressed)
	if !ok {
		return ""
	}
	own, err := a.DB.NetworkBots(ctx, b.CityID, b.Network)
	if err == nil && len(own) < 2 {
		return ""
	}
	if err == nil {
		text, _, err = addressed.Address(ctx, city, b)
	}
	if err != nil {
		a.Log.Warn("a bot cannot be called by its account", "bot", b.ID, "err", err)
		return ""
	}
	return text
}
