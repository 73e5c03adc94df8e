package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// security is what a connection must offer.
type security struct {
	require bool // no TLS, no mail
	verify  bool // the certificate must be the server's
	never   bool // no STARTTLS: it has failed with this server
}

// config returns the TLS configuration for a server. Without verify it accepts
// any certificate: encryption to an unknown server is better than none (RFC
// 7435).
func (s security) config(host string) *tls.Config {
	return &tls.Config{ServerName: strings.TrimSuffix(host, "."), InsecureSkipVerify: !s.verify}
}

// errTLS marks a failed TLS handshake.
var errTLS = errors.New("no encrypted connection")

// open makes a session of a connection: greeting, EHLO, and STARTTLS if it is
// offered. If it fails, it closes conn.
func (m *Mailer) open(ctx context.Context, conn net.Conn, host string, sec security) (*session, error) {
	raw := conn
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	s, err := m.greet(ctx, conn, host, sec)
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("smtp connect: %w", ctx.Err())
		}
		return nil, err
	}
	return s, nil
}

func (m *Mailer) greet(ctx context.Context, conn net.Conn, host string, sec security) (*session, error) {
	conn.SetDeadline(time.Now().Add(commandTimeout))
	if c, ok := conn.(*tls.Conn); ok {
		if err := c.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("smtp connect: %w: %w", errTLS, reason(err))
		}
	} else {
		upgraded, err := m.startTLS(ctx, conn, host, sec)
		if err != nil {
			return nil, err
		}
		conn = upgraded
	}
	conn.SetDeadline(time.Time{})
	client := smtp.NewClient(conn)
	client.CommandTimeout, client.SubmissionTimeout = commandTimeout, dataTimeout
	if err := client.Hello(m.cfg.Name()); err != nil {
		return nil, staged(StageConnect, err)
	}
	return &session{conn: conn, client: client}, nil
}

// startTLS reads the greeting, says EHLO and upgrades the connection if the
// server offers it. The library cannot do this step by step. So it is done
// here, and the library then gets a connection on which the greeting comes
// again.
func (m *Mailer) startTLS(ctx context.Context, conn net.Conn, host string, sec security) (net.Conn, error) {
	text := textproto.NewConn(unclosed{conn})
	if _, _, err := text.ReadResponse(220); err != nil {
		return nil, stagedText(err)
	}
	offered, err := m.offersTLS(text)
	if err != nil {
		return nil, err
	}
	if !offered || sec.never {
		if sec.require {
			return nil, errors.New("the relay offers no encryption (STARTTLS), so the password is not sent to it")
		}
		return &greeted{Conn: conn, greeting: greeting()}, nil
	}
	if _, err := text.Cmd("STARTTLS"); err != nil {
		return nil, staged(StageConnect, err)
	}
	if _, _, err := text.ReadResponse(220); err != nil {
		return nil, stagedText(err)
	}
	if text.R.Buffered() > 0 {
		// What came before the handshake was not encrypted (CVE-2011-0411).
		return nil, fmt.Errorf("smtp connect: %w: the server sent more than its answer to STARTTLS", errTLS)
	}
	secure := tls.Client(conn, sec.config(host))
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("smtp connect: %w: %w", errTLS, reason(err))
	}
	return &greeted{Conn: secure, greeting: greeting()}, nil
}

// offersTLS says EHLO and looks for STARTTLS in the answer (RFC 3207). A
// server that knows only HELO offers nothing.
func (m *Mailer) offersTLS(text *textproto.Conn) (bool, error) {
	if _, err := text.Cmd("EHLO %s", m.cfg.Name()); err != nil {
		return false, staged(StageConnect, err)
	}
	_, answer, err := text.ReadResponse(250)
	if e, ok := errors.AsType[*textproto.Error](err); ok && (e.Code == 500 || e.Code == 502) {
		return false, nil
	}
	if err != nil {
		return false, stagedText(err)
	}
	for line := range strings.Lines(answer) {
		if strings.EqualFold(strings.TrimSpace(line), "STARTTLS") {
			return true, nil
		}
	}
	return false, nil
}

func stagedText(err error) error {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return &Error{Code: e.Code, Enhanced: enhanced(e.Msg), Stage: StageConnect, Said: words(e.Msg)}
	}
	return staged(StageConnect, err)
}

// unclosed keeps textproto from closing the connection.
type unclosed struct{ io.ReadWriter }

func (unclosed) Close() error { return nil }

// greeted is a connection whose greeting was already read and comes again.
type greeted struct {
	net.Conn
	greeting *strings.Reader
}

func greeting() *strings.Reader { return strings.NewReader("220 ready\r\n") }

func (g *greeted) Read(p []byte) (int, error) {
	if g.greeting.Len() > 0 {
		return g.greeting.Read(p)
	}
	return g.Conn.Read(p)
}
