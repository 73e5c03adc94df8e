package mailer

import (
	"crypto/rand"
	"time"

	"ticketfrei/internal/config"
)

// LoopHeader is the header in which the program's mails carry its mail domain.
const LoopHeader = "X-Loop"

// AutomaticHeaders keep other programs from answering (RFC 3834, and what Exchange
// looks at), and let the program know its own mails again.
func AutomaticHeaders(domain string) [][2]string {
	return [][2]string{
		{"Auto-Submitted", "auto-generated"},
		{"X-Auto-Response-Suppress", "All"},
		{LoopHeader, domain},
	}
}

// AccountMail builds a mail of the program itself, about somebody's account or
// subscription: an answer to it is no report. Every call makes another message.
func AccountMail(cfg config.Mail, to, subject, text string, now time.Time) Mail {
	m := Message{
		FromName: "Ticketfrei", From: cfg.From, To: to,
		Subject: subject, Text: text,
		MessageID: rand.Text() + "@" + cfg.Domain, Date: now,
		Headers: AutomaticHeaders(cfg.Domain),
	}
	return Mail{From: cfg.From, To: to, Data: m.Bytes()}
}
