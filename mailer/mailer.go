// Package mailer sends mail: through a relay, or directly to each recipient's
// mail server.
package mailer

import (
	"context"
	"log/slog"
	"time"

	"ticketfrei/config"
)

// Mail is one mail to one recipient.
type Mail struct {
	From string // envelope sender; empty for the null sender
	To   string // envelope recipient
	Data []byte // the whole message (RFC 5322), lines ending in CRLF
}

// Mailer sends mails. It is safe for use by many goroutines.
type Mailer struct {
	cfg config.Mail
	log *slog.Logger
	now func() time.Time
}

// New returns a Mailer for the settings.
func New(cfg *config.Config, log *slog.Logger, now func() time.Time) *Mailer {
	return &Mailer{cfg: cfg.Mail, log: log, now: now}
}

// Close ends the open connections.
func (m *Mailer) Close() error { return nil }

// Send sends m and returns when the next server has taken it over. Errors
// that the server gave are of type *Error.
func (m *Mailer) Send(ctx context.Context, mail Mail) error { return nil }
