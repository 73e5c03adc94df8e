package mail

import (
	"strings"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// subjectLength is how much of a report its subject shows.
var subjectLength = text.Runes(60)

// reportMail is the mail that brings a report to a subscriber. Who wrote the
// report is not in it.
func (n *Network) reportMail(city report.City, b report.Bot, s recipients.Recipient, d report.Delivery) mailer.Mail {
	address := n.address(city)
	unsubscribe := n.unsubscribeURL(city, s.Address)
	when := d.Report.Time.Local().Format(n.t(city, "mail.time"))
	footer := n.t(city, "mail.report.footer", "City", city.Name, "Time", when, "Address", address,
		"Page", n.host.Config.Web.URL+"/city/"+city.Slug, "Unsubscribe", unsubscribe)
	m := mailer.Message{
		FromName: city.Name, From: address, ReplyTo: address, To: s.Address,
		Subject: n.t(city, "mail.report.subject", "City", city.Name, "Text", summary(d.Report.Text)),
		// "-- " begins a signature: whoever answers does not quote it.
		Text:      d.Report.Text + "\n\n-- \n" + footer,
		MessageID: n.messageID(d),
		Date:      n.host.Now(),
		Headers: append([][2]string{
			{"List-Id", "<" + city.Slug + "." + n.host.Config.Mail.Domain + ">"},
			{"List-Unsubscribe", "<" + unsubscribe + ">"},
			{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}, // RFC 8058
		}, mailer.AutomaticHeaders(n.host.Config.Mail.Domain)...),
	}
	return mailer.Mail{From: n.bounceAddress(city, b, s), To: s.Address, Data: m.Bytes()}
}

// messageID is the same whenever the same delivery is sent.
func (n *Network) messageID(d report.Delivery) string { return d.ID + "@" + n.host.Config.Mail.Domain }

// summary is the beginning of a report on one line.
func summary(s string) string {
	return subjectLength.Fit(strings.ReplaceAll(text.Tidy(s), "\n", " "))
}

// confirmMail asks somebody whether it was them who subscribed.
func (n *Network) confirmMail(city report.City, email string) mailer.Mail {
	return n.accountMail(city, email, "mail.confirm.mail", n.confirmURL(city, email))
}

// subscribedMail tells a subscriber who subscribes again that they are one.
func (n *Network) subscribedMail(city report.City, email string) mailer.Mail {
	return n.accountMail(city, email, "mail.already.mail", n.unsubscribeURL(city, email))
}

// accountMail is a mail with a link, from the program and not from the city: an
// answer to it is no report. It names the city by its address: anybody may have
// called the city anything, and entered anybody's address.
func (n *Network) accountMail(city report.City, email, id, link string) mailer.Mail {
	text := n.t(city, id+".text", "Link", link, "Address", n.address(city))
	return mailer.AccountMail(n.host.Config.Mail, email, n.t(city, id+".subject"), text, n.host.Now())
}
