package mailer

import (
	"crypto/rand"
	"time"

	"ticketfrei/internal/config"
)

// LoopHeader is the header that holds the mail domain in the program's own
// mails.
const LoopHeader = "X-Loop"

// AutomaticHeaders keep other programs from answering (RFC 3834, and what
// Exchange looks at) and let the program recognise its own mails.
func AutomaticHeaders(domain string) [][2]string {
	return [][2]string{
		{"Auto-Submitted", "auto-generated"},
		{"X-Auto-Response-Suppress", "All"},
		{LoopHeader, domain},
	}
}

// AnswerHeaders are AutomaticHeaders of a mail that answers another one by itself.
// messageID is that of the other, in its brackets; empty where it has none.
func AnswerHeaders(domain, messageID string) [][2]string {
	headers := AutomaticHeaders(domain)
	headers[0][1] = "auto-replied"
	if messageID != "" {
		headers = append(headers, [2]string{"In-Reply-To", messageID}, [2]string{"References", messageID})
	}
	return headers
}

// AccountMail builds a mail from the program itself, about somebody's account
// or subscription. An answer to it is no report. Every call makes a new
// message.
func AccountMail(cfg config.Mail, to, subject, text string, now time.Time) Mail {
	return AnswerableMail(cfg, to, "", subject, text, now)
}

// AnswerableMail is AccountMail where an answer goes to replyTo; empty: to nobody who
// reads it.
func AnswerableMail(cfg config.Mail, to, replyTo, subject, text string, now time.Time) Mail {
	m := Message{
		FromName: "Ticketfrei", From: cfg.From, To: to, ReplyTo: replyTo,
		Subject: subject, Text: text,
		MessageID: rand.Text() + "@" + cfg.Domain, Date: now,
		Headers: AutomaticHeaders(cfg.Domain),
	}
	return Mail{From: cfg.From, To: to, Data: m.Bytes(), Account: true}
}
