package mailer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/config"
)

// zone is a DNS with a few entries.
type zone struct {
	mx   map[string][]*net.MX
	ips  map[string]string
	fail map[string]bool // these questions get no answer
}

func (z zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if z.fail[name] {
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	if list, ok := z.mx[name]; ok {
		return list, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z zone) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	if ip, ok := z.ips[host]; ok {
		return []net.IPAddr{{IP: net.ParseIP(ip)}}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// direct returns a mailer without a relay that takes the remote's port for the
// port of all mail servers.
func direct(t *testing.T, r *remote, z zone) *Mailer {
	t.Helper()
	cfg := settings("")
	cfg.Network.AllowPrivate = true
	m := newMailer(t, cfg)
	m.resolver = z
	_, m.port, _ = net.SplitHostPort(r.addr)
	return m
}

func to(address string) Mail { return Mail{From: aMail.From, To: address, Data: aMail.Data} }

func TestDirect(t *testing.T) {
	r := startRemote(t, nil)
	m := direct(t, r, zone{
		mx: map[string][]*net.MX{
			"example.org":    {{Host: "mx2.example.org.", Pref: 20}, {Host: "mx1.example.org.", Pref: 10}},
			"null.example":   {{Host: ".", Pref: 0}},
			"backup.example": {{Host: "down.example.", Pref: 1}, {Host: "mx2.example.org.", Pref: 2}},
		},
		ips: map[string]string{
			"mx1.example.org.": "127.0.0.1", "mx2.example.org.": "127.0.0.1", "a.example": "127.0.0.1", "down.example.": "127.0.0.2",
		},
		fail: map[string]bool{"slow.example": true},
	})
	for _, c := range []struct {
		name, to string
		code     int // of the error; 0: delivered
	}{
		{"MX", "rider@example.org", 0},
		{"upper case", "rider@EXAMPLE.org", 0},
		{"no MX but an address", "rider@a.example", 0},
		{"the first server is down", "rider@backup.example", 0},
		{"null MX", "rider@null.example", 556},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := m.Send(t.Context(), to(c.to))
			if c.code == 0 {
				if mails, _ := r.seen(); err != nil || len(mails) != 1 {
					t.Errorf("%d mails, %v", len(mails), err)
				}
				return
			}
			if got, ok := errors.AsType[*Error](err); !ok || got.Code != c.code || !got.Gone() {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("no answer from DNS", func(t *testing.T) {
		err := m.Send(t.Context(), to("rider@slow.example"))
		if _, ok := errors.AsType[*Error](err); err == nil || ok {
			t.Errorf("got %v", err)
		}
	})
	t.Run("order", func(t *testing.T) {
		hosts, err := m.hosts(t.Context(), "example.org")
		if diff := cmp.Diff([]string{"mx1.example.org.", "mx2.example.org."}, hosts); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
	t.Run("connections of a domain are reused", func(t *testing.T) {
		_, before := r.seen()
		for range 5 {
			if err := m.Send(t.Context(), to("rider@example.org")); err != nil {
				t.Fatal(err)
			}
		}
		if _, after := r.seen(); after != before {
			t.Errorf("%d new connections", after-before)
		}
	})
}

func mustSendTo(t *testing.T, m *Mailer, address string) {
	t.Helper()
	if err := m.Send(t.Context(), to(address)); err != nil {
		t.Fatal(err)
	}
}

// TestNoSuchDomain has neither a domain nor the server of another one exist. That is
// believed when something else was found since.
func TestNoSuchDomain(t *testing.T) {
	m := direct(t, startRemote(t, nil), zone{mx: map[string][]*net.MX{"gone.example": {{Host: "mx.gone.example."}}}, ips: map[string]string{"a.example": "127.0.0.1"}})
	c, _ := timed(m)
	for range 2 {
		for _, address := range []string{"rider@nowhere.example", "rider@gone.example"} {
			wantAway(t, m.Send(t.Context(), to(address)))
		}
		c.move(2 * lastPause)
		mustSendTo(t, m, "rider@a.example")
		for _, address := range []string{"rider@nowhere.example", "rider@gone.example"} {
			if answer, ok := errors.AsType[*Error](m.Send(t.Context(), to(address))); !ok || answer.Code != 550 || !answer.Gone() {
				t.Errorf("%s: %v", address, answer)
			}
		}
		if m.pool.close(); m.Delayed() || len(m.Outages()) > 0 {
			t.Error("mails are delayed")
		}
	}
}

// TestResolverThatFindsNothing has the DNS say for a while that no domain exists. Nobody
// is gone because of that, and mails are delayed. A domain that is not there either when
// others are found again is gone.
func TestResolverThatFindsNothing(t *testing.T) {
	r := startRemote(t, nil)
	m := direct(t, r, zone{})
	c, _ := timed(m)
	domain := func(i int) Mail { return to(fmt.Sprintf("rider@d%d.example", i)) }
	for range 3 {
		for i := range 2 * goneAlike {
			if away := wantAway(t, m.Send(t.Context(), domain(i))); away.All || away.refused() {
				t.Errorf("domain %d: %v", i, away)
			}
		}
		c.move(2 * lastPause)
	}
	if !m.Delayed() {
		t.Error("mails are not delayed")
	}
	found := map[string]string{"other.example": "127.0.0.1"}
	for i := range 2*goneAlike - 1 {
		found[fmt.Sprintf("d%d.example", i)] = "127.0.0.1"
	}
	m.resolver = zone{ips: found}
	wantAway(t, m.Send(t.Context(), domain(2*goneAlike-1)))
	for i := range 2*goneAlike - 1 {
		mustSendTo(t, m, fmt.Sprintf("rider@d%d.example", i))
	}
	c.move(2 * lastPause)
	if answer, ok := errors.AsType[*Error](m.Send(t.Context(), domain(2*goneAlike-1))); !ok || !answer.Gone() || m.Delayed() {
		t.Errorf("a domain that is not there: %v", answer)
	}
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	r := startRemote(t, nil)
	m := newMailer(t, settings(""))
	_, m.port, _ = net.SplitHostPort(r.addr)
	for _, ip := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"} {
		m.resolver = zone{ips: map[string]string{"evil.example": ip}}
		err := m.Send(t.Context(), to("x@evil.example"))
		if err == nil || !strings.Contains(err.Error(), "private address") {
			t.Errorf("%s: %v", ip, err)
		}
	}
	if _, conns := r.seen(); conns != 0 {
		t.Errorf("%d connections", conns)
	}
}

// No error names who gets a mail, or the server, which may be somebody's own; and
// none repeats what a server says.
func TestErrorsNameNobody(t *testing.T) {
	const words = "anna.mueller@mueller.example is 4917012345"
	refusing := startRemote(t, nil)
	refusing.failAt, refusing.with = "rcpt", &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: words}
	says := func(line string) string { return raw(t, func(c net.Conn) { io.WriteString(c, line+"\r\n") }) }
	for name, addr := range map[string]string{
		"refuses": refusing.addr, "lets nobody in": says("554 5.7.1 " + words), "speaks no SMTP": says(words),
		"has invented codes": says("554 5.4917.12345 " + words), "hangs up": raw(t, func(net.Conn) {}), "is not there": "127.0.0.1:1",
	} {
		cfg := settings("")
		cfg.Network.AllowPrivate = true
		m := newMailer(t, cfg)
		_, m.port, _ = net.SplitHostPort(addr)
		one, two := zone{ips: map[string]string{"mueller.example": "127.0.0.1"}}, zone{
			mx:  map[string][]*net.MX{"mueller.example": {{Host: "mx1.mueller.example."}, {Host: "mx2.mueller.example."}, {Host: "mx3.mueller.example."}}},
			ips: map[string]string{"mx1.mueller.example.": "127.0.0.1", "mx2.mueller.example.": "127.0.0.1"},
		}
		for _, z := range []zone{one, two, {}, {fail: map[string]bool{"mueller.example": true}}} {
			m.resolver = z
			for _, address := range []string{"anna.mueller@mueller.example", "anna.mueller@mueller.example>"} {
				err := m.Send(t.Context(), to(address))
				if err == nil {
					t.Errorf("%s: sent", name)
				} else if regexp.MustCompile(`(?i)anna|mueller|4917|127\.0\.0`).MatchString(err.Error()) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestOneDomainCannotTakeAllConnections(t *testing.T) {
	hung := startRemote(t, nil)
	hung.block, hung.waiting = make(chan struct{}), make(chan struct{}, 10)
	cfg := settings("")
	cfg.Network.AllowPrivate, cfg.Mail.Connections = true, perDestination+1
	m := newMailer(t, cfg)
	m.resolver = zone{ips: map[string]string{"hung.example": "127.0.0.1", "fine.example": "127.0.0.1"}}
	_, m.port, _ = net.SplitHostPort(hung.addr)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, perDestination+3)
	for range cap(ended) {
		go func() { ended <- m.Send(ctx, to("x@hung.example")) }()
	}
	for range perDestination {
		<-hung.waiting
	}
	release, err := m.domains.acquire(t.Context(), "fine.example", "", time.Second)
	if err != nil {
		t.Error(err)
	} else {
		free, err := m.slots.acquire(t.Context(), "", 5*time.Second)
		if err != nil {
			t.Errorf("another domain gets no connection: %v", err)
		} else {
			free()
		}
		release()
	}
	cancel()
	for range cap(ended) {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	close(hung.block)
}

// selfSigned makes a certificate that nobody vouches for.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"other.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

func withTLS(t *testing.T) func(*smtp.Server) {
	return func(srv *smtp.Server) { srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}} }
}

func TestSTARTTLS(t *testing.T) {
	r := startRemote(t, withTLS(t))
	m := direct(t, r, zone{ips: map[string]string{"a.example": "127.0.0.1"}})
	for range 2 {
		if err := m.Send(t.Context(), to("x@a.example")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]bool{true, true}, r.tls); diff != "" {
		t.Errorf("encrypted -want +got:\n%s", diff)
	}
	if _, conns := r.seen(); conns != 1 {
		t.Errorf("%d connections", conns)
	}
	t.Run("a handshake that fails", func(t *testing.T) {
		old := startRemote(t, func(srv *smtp.Server) {
			withTLS(t)(srv)
			srv.TLSConfig.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("broken") }
		})
		m := direct(t, old, zone{ips: map[string]string{"a.example": "127.0.0.1"}})
		if err := m.Send(t.Context(), to("x@a.example")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]bool{false}, old.tls); diff != "" {
			t.Errorf("encrypted -want +got:\n%s", diff)
		}
	})
	t.Run("a relay that must be encrypted", func(t *testing.T) {
		m := newMailer(t, settings("smtp://me:pw@mail.example"))
		for name, addr := range map[string]string{"STARTTLS": "offers no encryption", "certificate": "certificate"} {
			target := startRemote(t, nil)
			if name == "certificate" {
				target = startRemote(t, withTLS(t))
			}
			conn, err := net.Dial("tcp", target.addr)
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.open(t.Context(), conn, "mail.example", m.relay.security())
			if err == nil || !strings.Contains(err.Error(), addr) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("words slipped in before the handshake", func(t *testing.T) {
		addr := raw(t, func(c net.Conn) {
			io.WriteString(c, "220 x\r\n")
			buf := make([]byte, 1000)
			c.Read(buf)
			io.WriteString(c, "250-x\r\n250 STARTTLS\r\n")
			c.Read(buf)
			io.WriteString(c, "220 go ahead\r\n250 injected\r\n")
			c.Read(buf)
		})
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.open(t.Context(), conn, "a.example", security{}); !errors.Is(err, errTLS) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSMTPS(t *testing.T) {
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	if err != nil {
		t.Fatal(err)
	}
	r := startRemoteAt(t, l, nil)
	m := newMailer(t, settings("smtps://"+r.addr))
	if err := m.Send(t.Context(), aMail); err != nil {
		t.Fatal(err)
	}
	if mails, _ := r.seen(); len(mails) != 1 {
		t.Errorf("%d mails", len(mails))
	}
	t.Run("without TLS at the other end", func(t *testing.T) {
		plain := startRemote(t, nil)
		m := newMailer(t, settings("smtps://"+plain.addr))
		if err := m.Send(t.Context(), aMail); !errors.Is(err, errTLS) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDefaults(t *testing.T) {
	m := New(&config.Config{}, slog.New(slog.DiscardHandler), time.Now)
	defer m.Close()
	if m.resolver != net.DefaultResolver || m.port != "25" || m.slots.free != 1 {
		t.Errorf("%+v", m)
	}
}
