package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// relay is the server that mail.relay names.
type relay struct {
	host, port     string
	tls            bool // from the start (RFC 8314)
	user, password string
	passwordFile   string // holds the password in place of the URL
}

// CheckRelay says what is wrong with a value of mail.relay. The error does not
// hold the password.
func CheckRelay(value string) error {
	if value == "" {
		return nil
	}
	_, err := parseRelay(value)
	return err
}

// parseRelay reads smtp://[user:password@]host[:port] or smtps://…. Ports:
// 587 for submission (RFC 6409), 25 without a login, 465 with TLS from the
// start (RFC 8314).
func parseRelay(value string) (*relay, error) {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" {
		// The error of url.Parse would repeat the password.
		return nil, errors.New(`mail.relay: must look like smtp://user:password@host:587 or smtps://… (write "@", ":" and "/" of the password as %40, %3A and %2F)`)
	}
	r := &relay{host: u.Hostname(), port: u.Port(), tls: u.Scheme == "smtps", user: u.User.Username()}
	r.password, _ = u.User.Password()
	switch {
	case r.port != "":
	case r.tls:
		r.port = "465"
	case r.user != "":
		r.port = "587"
	default:
		r.port = "25"
	}
	return r, nil
}

func (r *relay) addr() string { return net.JoinHostPort(r.host, r.port) }

// local reports whether the relay runs on this machine, where nobody can
// listen.
func (r *relay) local() bool {
	ip, err := netip.ParseAddr(r.host)
	return r.host == "localhost" || (err == nil && ip.IsLoopback())
}

// security returns what the relay's connection must offer. A password is sent
// only to the server that it is meant for.
func (r *relay) security() security {
	switch {
	case r.local():
		return security{}
	case r.user != "" || r.tls:
		return security{require: true, verify: true}
	}
	return security{}
}

// dialRelay connects to the relay and logs in.
func (m *Mailer) dialRelay(ctx context.Context) (*session, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", m.relay.addr())
	if err != nil {
		return nil, fmt.Errorf("connect to the relay: %w", err)
	}
	sec := m.relay.security()
	if m.relay.tls {
		config := sec.config(m.relay.host)
		conn = tls.Client(conn, config)
	}
	s, err := m.open(ctx, conn, m.relay.host, sec)
	if err != nil {
		return nil, err
	}
	if err := m.login(ctx, s); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// login logs in if the relay's URL has a user.
func (m *Mailer) login(ctx context.Context, s *session) error {
	if m.relay.user == "" {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	mechanism, err := m.mechanism(s.client)
	if err != nil {
		return err
	}
	if err := s.client.Auth(mechanism); err != nil {
		return staged(StageAuth, err)
	}
	return nil
}

func (m *Mailer) mechanism(c *smtp.Client) (sasl.Client, error) {
	password, err := m.relay.secret()
	if err != nil {
		return nil, err
	}
	switch {
	case c.SupportsAuth(sasl.Plain):
		return sasl.NewPlainClient("", m.relay.user, password), nil
	case c.SupportsAuth(sasl.Login):
		return sasl.NewLoginClient(m.relay.user, password), nil
	}
	return nil, errors.New("the relay offers no login (AUTH PLAIN or LOGIN), but mail.relay has a user")
}
