package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/emersion/go-smtp"
)

// Probe asks the relay, over a connection of its own, whether it would take a mail
// from one address to another, and sends none. encrypted tells whether the connection
// was; it is also known where the relay refused. The errors are those of Send.
func (m *Mailer) Probe(ctx context.Context, from, to string) (encrypted bool, err error) {
	if err := m.start(); err != nil {
		return false, err
	}
	defer m.running.Done()
	if m.relayErr != nil {
		return false, m.relayErr
	}
	if m.relay == nil {
		return false, errors.New("there is no relay (setting mail.relay)")
	}
	s, err := m.dialRelay(ctx)
	if err != nil {
		return false, err
	}
	defer s.quit()
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	if err := s.client.Mail(from, &smtp.MailOptions{}); err != nil {
		return isTLS(s.conn), staged(StageMail, err)
	}
	if err := s.client.Rcpt(to, nil); err != nil {
		return isTLS(s.conn), staged(StageRcpt, err)
	}
	_ = s.client.Reset() // the mail that never was
	return isTLS(s.conn), nil
}

// isTLS tells whether a connection is encrypted.
func isTLS(c net.Conn) bool {
	if g, ok := c.(*greeted); ok {
		c = g.Conn
	}
	_, ok := c.(*tls.Conn)
	return ok
}

// NoTLS tells whether an error is that a connection could not be encrypted, as with a
// certificate that is not the server's.
func NoTLS(err error) bool { return errors.Is(err, errTLS) }
