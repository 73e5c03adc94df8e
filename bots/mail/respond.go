package mail

import (
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// How often somebody is answered, at most: so that no two programs write to each other
// without end.
const (
	maxAnswers    = 6
	answersWithin = 30 * time.Minute
)

// answering returns what answers a mail whose author is proven: see bots.Incoming; nil
// where nobody can. Reports are answered where the moderators wish it, and what was asked
// always. What it keeps is no more than whom and which mail.
func (n *Network) answering(t target, m mailtext.Message) func(context.Context, bots.Answer) error {
	email, problem := n.readAddress(m.Author)
	if problem != "" {
		return nil
	}
	city, b, id, language := t.city, t.bot, m.MessageID, m.Language
	return func(ctx context.Context, a bots.Answer) error {
		if b.Answers != report.AnswersWords && !a.Always() || !n.mayAnswer(b, email) {
			return nil
		}
		return n.host.Mailer.Send(ctx, n.answerMail(city, email, id, language, a.Text))
	}
}

// mayAnswer tells whether somebody has not been answered too often, and counts it.
func (n *Network) mayAnswer(b report.Bot, email string) bool {
	who := n.host.Secrets.Hash("mail.answered", strconv.FormatInt(b.ID, 10), email)
	return n.answered.Take(who, n.host.Now(), maxAnswers, answersWithin)
}

// answerMail answers the mail with an id, in the language of whoever wrote it or that of
// the city. An answer to it is a report.
func (n *Network) answerMail(city report.City, email, id, language, text string) mailer.Mail {
	city.Language = n.host.Texts.MatchOr(language, city.Language)
	footer := n.t(city, "mail.answer.footer", "City", city.Name, "Address", n.address(city), "Page", n.pageURL(city))
	m := mailer.Message{
		FromName: city.Name, From: n.address(city), To: email,
		Subject:   n.t(city, "mail.answer.subject", "City", city.Name),
		Text:      text + "\n\n-- \n" + strings.TrimSpace(footer),
		MessageID: rand.Text() + "@" + n.host.Config.Mail.Domain,
		Date:      n.host.Now(),
		Headers:   mailer.AnswerHeaders(n.host.Config.Mail.Domain, id),
	}
	return mailer.Mail{From: n.address(city), To: email, Data: m.Bytes(), Account: true}
}
