package mail

import (
	"context"
	"strings"

	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// SendTest mails a moderator a report as subscribers get it: see bots.Tester. Nobody can
// unsubscribe from it, since nobody has subscribed.
func (n *Network) SendTest(ctx context.Context, city report.City, _ report.Bot, r report.Report, email string) error {
	city.Language = i18n.ForModerators(city.Language)
	footer := n.t(city, "mail.test.footer", "City", city.Name, "Time", n.when(city, r.Time), "Page", n.cityURL(city))
	m := mailer.Message{
		FromName: city.Name, From: n.address(city), ReplyTo: n.address(city), To: email,
		Subject:   n.t(city, "mail.test.subject", "Subject", n.subject(city, r)),
		Text:      r.Text + "\n\n-- \n" + strings.TrimSpace(footer),
		MessageID: "test-" + r.ID + "@" + n.host.Config.Mail.Domain,
		Date:      n.host.Now(),
		Headers:   mailer.AutomaticHeaders(n.host.Config.Mail.Domain),
	}
	return n.host.Mailer.Send(ctx, mailer.Mail{From: n.host.Config.Mail.From, To: email, Data: m.Bytes(), Account: true})
}
