package mailer

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"ticketfrei/internal/dkim"
)

// Option is something that a Mailer need not have.
type Option func(*Mailer)

// Signed has every mail signed with keys for mail.domain (DKIM).
func Signed(keys *dkim.Keys) Option {
	return func(m *Mailer) {
		m.signing = &signing{keys: keys, domain: m.cfg.Domain, turns: newSlots(runtime.GOMAXPROCS(0))}
	}
}

// Counted tells count what became of each mail that was tried: an *Error where a server has
// answered, nil where it has taken the mail.
func Counted(count func(err error)) Option {
	return func(m *Mailer) { m.counted = count }
}

// signing signs mails. An RSA signature is much work: no more are made at once than
// there are processors, so that whatever else is to be done need not wait for all that
// are to be sent. docs/decisions/dkim-costs.md has the figures.
type signing struct {
	keys   *dkim.Keys
	domain string
	turns  *slots
}

// signatureRoom is more than the signatures add to a mail, in bytes.
const signatureRoom = 2048

// size is how large a mail is with its signatures, at most.
func (s *signing) size(mail Mail) int64 {
	if s == nil {
		return int64(len(mail.Data))
	}
	return int64(len(mail.Data)) + signatureRoom
}

// errUnsigned marks an error that is ours, and not the server's.
var errUnsigned = errors.New("the mail could not be signed")

// sign returns a mail with its signatures. It is called when the server has taken the
// recipient: those that are asked to come again cost no signature.
func (s *signing) sign(ctx context.Context, mail Mail) ([]byte, error) {
	if s == nil {
		return mail.Data, nil
	}
	release, err := s.turns.acquire(ctx, sender(mail), slotTimeout)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsigned, err)
	}
	defer release()
	data, err := s.keys.Sign(s.domain, mail.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsigned, err)
	}
	return data, nil
}
