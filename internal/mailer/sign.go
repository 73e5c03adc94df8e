package mailer

import (
	"context"
	"runtime"

	"ticketfrei/internal/dkim"
)

// Option is something that a Mailer need not have.
type Option func(*Mailer)

// Signed has every mail signed with keys for mail.domain (DKIM).
func Signed(keys *dkim.Keys) Option {
	return func(m *Mailer) {
		m.signing = &signing{keys: keys, turns: newSlots(runtime.GOMAXPROCS(0))}
	}
}

// signing signs mails. An RSA signature is much work: no more are made at once than
// there are processors, so that whatever else is to be done need not wait for all that
// are to be sent. docs/decisions/dkim-costs.md has the figures.
type signing struct {
	keys  *dkim.Keys
	turns *slots
}

// signed returns a mail with its signatures. It is called before a connection is
// taken, which others may use meanwhile.
func (m *Mailer) signed(ctx context.Context, mail Mail) ([]byte, error) {
	if m.signing == nil {
		return mail.Data, nil
	}
	release, err := m.signing.turns.acquire(ctx, sender(mail), slotTimeout)
	if err != nil {
		return nil, err
	}
	defer release()
	return m.signing.keys.Sign(m.cfg.Domain, mail.Data)
}
