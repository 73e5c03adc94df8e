package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"time"

	"ticketfrei/internal/config"
)

// greeting is how a mail server presents itself.
type greeting struct {
	name        string            // what it calls itself
	certificate *x509.Certificate // what it shows on STARTTLS; nil: it offers none
}

// greet connects to a mail server and says goodbye. The certificate is not checked.
func greet(ctx context.Context, address, helo string) (greeting, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return greeting{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	text := textproto.NewConn(conn)
	_, line, err := text.ReadResponse(220)
	if err != nil {
		return greeting{}, err
	}
	name, _, _ := strings.Cut(line, " ")
	g := greeting{name: strings.ToLower(strings.TrimSpace(name))}
	_, offers, err := command(text, 250, "EHLO "+helo)
	if err == nil && strings.Contains(strings.ToUpper(offers), "STARTTLS") {
		g.certificate, err = upgrade(ctx, conn, text, helo)
		return g, err
	}
	_, _, _ = command(text, 221, "QUIT")
	return g, nil
}

// upgrade encrypts a connection, and returns what the server shows.
func upgrade(ctx context.Context, conn net.Conn, text *textproto.Conn, name string) (*x509.Certificate, error) {
	if _, _, err := command(text, 220, "STARTTLS"); err != nil {
		return nil, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("STARTTLS fails: %w", err)
	}
	_, _, _ = command(textproto.NewConn(secure), 221, "QUIT")
	return secure.ConnectionState().PeerCertificates[0], nil // a server shows one
}

// command sends a command and reads the answer, which must have that code.
func command(text *textproto.Conn, code int, line string) (int, string, error) {
	if err := text.PrintfLine("%s", line); err != nil {
		return 0, "", err
	}
	return text.ReadResponse(code)
}

// localTimeout bounds a connection within this machine.
const localTimeout = 3 * time.Second

// listens tells whether somebody takes connections at an address of this machine that
// a setting listens at.
func listens(ctx context.Context, listen string) bool {
	conn, err := dialLocal(ctx, listen)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// dialLocal connects to what listens at an address of this machine, or at a Unix socket.
func dialLocal(ctx context.Context, listen string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: localTimeout}
	if path, ok := config.Socket(listen); ok {
		return dialer.DialContext(ctx, "unix", path)
	}
	return dialer.DialContext(ctx, "tcp", localAddress(listen))
}

// localAddress is where this machine reaches what listens at an address.
func localAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// plain is why a connection failed, in words that a person understands. Those of the
// system are kept where there are none better.
func plain(err error) string {
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout(), errors.Is(err, net.ErrClosed):
		return "no answer in time"
	case strings.Contains(err.Error(), "connection refused"):
		return "nobody listens there"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	return err.Error()
}
