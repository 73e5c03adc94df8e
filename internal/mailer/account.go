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

// AccountMail builds a mail from the program itself, about somebody's account
// or subscription. An answer to it is no report. Every call makes a new
// message.
func AccountMail(cfg config.Mail, to, subject, text string, now time.Time) Mail {
	m := Message{
		FromName: "Ticketfrei", From: cfg.From, To: to,
		Subject: subject, Text: text,
		MessageID: rand.Text() + "@" + cfg.Domain, Date: now,
		Headers: AutomaticHeaders(cfg.Domain),
	}
	return Mail{From: cfg.From, To: to, Data: m.Bytes(), Account: true}
}
