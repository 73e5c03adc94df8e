package mail

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

// subjectLength is how much of a report its subject shows.
var subjectLength = text.Runes(60)

// reportMail is the mail that brings a report to a subscriber, and says what they may
// choose. Who wrote the report is not in it.
func (n *Network) reportMail(city report.City, b report.Bot, s recipients.Recipient, d report.Delivery, may choices) mailer.Mail {
	footer := n.t(city, "mail.report.footer", "City", city.Name, "Time", n.when(city, d.Report.Time), "Address", n.address(city),
		"Page", n.cityURL(city), "Unsubscribe", n.unsubscribeURL(city, s.Address))
	if may.digest {
		footer = strings.TrimSpace(footer) + "\n" + n.t(city, "mail.often.to_hourly", "Link", n.oftenURL(city, s.Address))
	}
	footer = strings.TrimSpace(footer) + n.toLines(city, s, may.lines)
	m := n.cityMail(city, b, s, n.subject(city, d.Report), d.Report.Text, footer, d.ID)
	m.About = d.Report.ID
	return m
}

// subject is that of the mail with one report: what was read in it, and its beginning.
func (n *Network) subject(city report.City, r report.Report) string {
	if r.Heading() == "" {
		return n.t(city, "mail.report.subject", "City", city.Name, "Text", summary(r.Text))
	}
	return n.headed(city, r)
}

// headed is the beginning of a report after what was read in it, as "U1 Plärrer → Fürth: 2
// Kontis"; an all-clear says so.
func (n *Network) headed(city report.City, r report.Report) string {
	switch heading := r.Heading(); {
	case heading == "":
		return summary(r.Text)
	case r.Clear:
		return n.t(city, "mail.lines.subject_clear", "Heading", heading, "Text", summary(r.Text))
	default:
		return n.t(city, "mail.lines.subject", "Heading", heading, "Text", summary(r.Text))
	}
}

// digestMail is the mail that brings a subscriber reports of an hour, which are in the
// order in which they wait, by their times, the newest first. The same reports make the
// same mail.
func (n *Network) digestMail(h hour, s recipients.Recipient, waiting []digestReport) mailer.Mail {
	var text strings.Builder
	reports := slices.SortedFunc(slices.Values(waiting), func(a, b digestReport) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.id, a.id)) })
	for i, r := range reports {
		if i == maxDigest {
			text.WriteString(n.t(h.city, "mail.digest.more", "Count", len(reports)-maxDigest) + " " + n.cityURL(h.city))
			break
		}
		text.WriteString(n.when(h.city, r.Time))
		if heading := r.Heading(); heading != "" {
			text.WriteString(" · " + heading)
		}
		text.WriteString("\n" + r.Text + "\n\n")
	}
	footer := n.t(h.city, "mail.digest.footer", "City", h.city.Name, "Address", n.address(h.city), "Page", n.cityURL(h.city),
		"Unsubscribe", n.unsubscribeURL(h.city, s.Address), "Often", n.oftenURL(h.city, s.Address))
	footer = strings.TrimSpace(footer) + n.toLines(h.city, s, h.lines)
	subject := n.subject(h.city, reports[0].Report)
	if len(reports) > 1 {
		subject = n.t(h.city, "mail.digest.subject", "City", h.city.Name, "Count", len(reports), "Text", n.headed(h.city, reports[0].Report))
	}
	newest := waiting[len(waiting)-1]
	id := n.host.Secrets.Hash("mail.digest", strconv.FormatInt(s.ID, 10), strconv.FormatInt(newest.id, 10))
	m := n.cityMail(h.city, h.bot, s, subject, strings.TrimSpace(text.String()), footer, id)
	if len(reports) == 1 {
		m.About = reports[0].ID
	}
	return m
}

// cityMail is a mail from a city to a subscriber. An answer to it is a report.
func (n *Network) cityMail(city report.City, b report.Bot, s recipients.Recipient, subject, text, footer, id string) mailer.Mail {
	domain := n.host.Config.Mail.Domain
	unsubscribe := "<" + n.unsubscribeURL(city, s.Address) + ">"
	if address := n.taggedAddress(unsubscribePrefix, city, b, s.ID); address != "" {
		unsubscribe = "<mailto:" + address + "?subject=unsubscribe>, " + unsubscribe
	}
	m := mailer.Message{
		FromName: city.Name, From: n.address(city), ReplyTo: n.address(city), To: s.Address,
		Subject: subject,
		// "-- " begins a signature: whoever answers does not quote it.
		Text:      text + "\n\n-- \n" + footer,
		MessageID: id + "@" + domain,
		Date:      n.host.Now(),
		Headers: append([][2]string{
			{"List-Id", "<" + city.Slug + "." + domain + ">"},
			{"List-Unsubscribe", unsubscribe},
			{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}, // RFC 8058
			{"Precedence", "bulk"},                                  // for responders that know nothing of RFC 3834
		}, mailer.AutomaticHeaders(domain)...),
	}
	return mailer.Mail{From: n.bounceAddress(city, b, s), To: s.Address, Data: m.Bytes()}
}

// zoneOf is the time zone of a city; that of the zero City is the operator's.
func (n *Network) zoneOf(city report.City) *time.Location {
	return zone.Of(city, n.host.Config.Reports.Zone)
}

// when is a time of a city as a mail says it, with its zone.
func (n *Network) when(city report.City, t time.Time) string {
	return n.timeIn(city.Language, t.In(n.zoneOf(city)))
}

// timeIn is a time, in the zone that it has, as a mail of a language says it.
func (n *Network) timeIn(lang string, t time.Time) string {
	said := t.Format(n.host.Texts.T(lang, "mail.time"))
	name, _ := t.Zone()
	if id := "mail.zone." + name; n.host.Texts.Has(id) {
		return strings.Replace(said, name, n.host.Texts.T(lang, id), 1)
	}
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") { // most zones have no name
		return strings.Replace(said, name, "UTC"+name, 1)
	}
	return said
}

// howLong is a duration in words, in hours where they are whole, else in minutes.
func (n *Network) howLong(lang string, d time.Duration) string {
	if d >= time.Hour && d%time.Hour == 0 {
		return n.host.Texts.T(lang, "mail.operator.hours", "Count", int(d.Hours()))
	}
	return n.host.Texts.T(lang, "mail.operator.minutes", "Count", int(d.Minutes()))
}

// cityURL is the page of a city.
func (n *Network) cityURL(city report.City) string {
	return n.host.Config.Web.URL + "/city/" + city.Slug
}

// summary is the beginning of a report on one line.
func summary(s string) string {
	return subjectLength.Fit(strings.ReplaceAll(text.Tidy(s), "\n", " "))
}

// confirmMail asks somebody whether it was them who subscribed, and chose one mail an
// hour or not.
func (n *Network) confirmMail(city report.City, email string, hourly bool) mailer.Mail {
	link, chosen := n.confirmURL(city, email), ""
	if hourly {
		link += "?" + fieldOften + "=" + oftenHourly
		chosen = n.t(city, "mail.confirm.mail.hourly")
	}
	return n.accountMail(city, email, "mail.confirm.mail", link, chosen)
}

// subscribedMail tells a subscriber who subscribes again that they are one, and where
// they choose what mails come, if there is a choice.
func (n *Network) subscribedMail(city report.City, email string, may choices) mailer.Mail {
	more, link := "", n.oftenURL(city, email)
	if may.digest {
		more = n.t(city, "mail.already.often", "Link", link)
	}
	if len(may.lines) > 0 {
		more = strings.TrimSpace(more + "\n" + n.t(city, "mail.lines.to_some", "Link", link))
	}
	return n.accountMail(city, email, "mail.already.mail", n.unsubscribeURL(city, email), more)
}

// accountMail is a mail with a link, from the program and not from the city: an
// answer to it is no report. It names the city by its address: anybody may have
// called the city anything, and entered anybody's address.
func (n *Network) accountMail(city report.City, email, id, link, more string) mailer.Mail {
	text := n.t(city, id+".text", "Link", link, "Address", n.address(city))
	if more != "" {
		text = strings.TrimSpace(text) + "\n\n" + more
	}
	return mailer.AccountMail(n.host.Config.Mail, email, n.t(city, id+".subject"), text, n.host.Now())
}
