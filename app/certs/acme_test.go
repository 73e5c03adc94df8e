package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/app/certs"
	"ticketfrei/app/certs/pebbletest"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/slow"
)

const (
	web  = "tickets.test" // the name of the pages
	mail = "mail.test"
)

const patience = 30 * time.Second

// authorityDir has the certificate of all authorities: a process reads only once
// whom it trusts.
var authorityDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "certs-test-")
	if err != nil {
		panic(err)
	}
	authorityDir = dir
	os.Setenv("SSL_CERT_FILE", pebbletest.CAFile(dir))
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// stage is an authority, and where a server has its ports and its database.
type stage struct {
	*testing.T
	pebble     *pebbletest.Server
	plain, tls string // addresses
	dir        string // of the database
	log        logbook
}

func newStage(t *testing.T, o pebbletest.Options) *stage {
	t.Helper()
	s := &stage{T: t, plain: pebbletest.FreeAddress(t), tls: pebbletest.FreeAddress(t), dir: t.TempDir()}
	o.Dir, o.HTTPPort, o.TLSPort = authorityDir, pebbletest.Port(t, s.plain), pebbletest.Port(t, s.tls)
	s.pebble = pebbletest.Start(t, o)
	return s
}

func mustListen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// play has an ACME run on the database, with both ports served, until stop.
func (s *stage) play(mailDomain string, checkEvery time.Duration) (m *certs.Mail, stop func()) {
	s.Helper()
	d, err := db.Open(s.Context(), s.dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		s.Fatal(err)
	}
	box := mustBox(s.T, 7)
	if err := d.Migrate(s.Context(), box, nil); err != nil {
		s.Fatal(err)
	}
	secrets := d.Secrets(box)
	a, err := certs.NewACME(certs.Options{
		Web: config.Web{URL: "https://" + web, Listen: s.plain, ListenTLS: s.tls,
			ACME: "you@example.org", ACMEDirectory: s.pebble.Directory},
		MailDomain: mailDomain, Secrets: secrets, CheckEvery: checkEvery,
		Log: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = a.Run(ctx) })
	srv := &http.Server{Handler: a.Challenges(http.NotFoundHandler())}
	for _, l := range []net.Listener{mustListen(s.T, s.plain), tls.NewListener(mustListen(s.T, s.tls), a.TLSConfig())} {
		group.Go(func() { _ = srv.Serve(l) })
	}
	stop = sync.OnceFunc(func() {
		cancel()
		srv.Close()
		group.Wait()
		a.Close()
		if err := d.Close(); err != nil {
			s.Error(err)
		}
	})
	s.Cleanup(stop)
	return &certs.Mail{Own: mustOwn(s.T, secrets, "own.test", time.Now()), ACME: a}, stop
}

// shown is the certificate that a client of the mail server is shown.
func (s *stage) shown(m *certs.Mail, name string) *x509.Certificate {
	s.Helper()
	cert, err := handshake(s.T, &tls.Config{GetCertificate: m.GetCertificate}, name)
	if err != nil {
		s.Fatal(err)
	}
	return cert
}

// waitFor waits until a client that asks for name is shown a certificate that fits.
func (s *stage) waitFor(m *certs.Mail, name string, fits func(*x509.Certificate) bool) *x509.Certificate {
	s.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if cert := s.shown(m, name); fits(cert) {
			return cert
		}
		if time.Now().After(deadline) {
			s.Fatalf("no certificate for %s:\n%s", name, s.log.String())
		}
	}
}

func isFor(name string) func(*x509.Certificate) bool {
	return func(c *x509.Certificate) bool { return slices.Contains(c.DNSNames, name) }
}

// logbook keeps what was logged.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestRenewal has a certificate come to its end while the program runs.
func TestRenewal(t *testing.T) {
	slow.Test(t, "waits until a certificate must be renewed")
	s := newStage(t, pebbletest.Options{Validity: 6 * time.Second})
	m, _ := s.play("", 50*time.Millisecond)
	first := s.waitFor(m, web, isFor(web))
	second := s.waitFor(m, web, func(c *x509.Certificate) bool { return c.SerialNumber.Cmp(first.SerialNumber) != 0 })
	if !isFor(web)(second) || !second.NotAfter.After(first.NotAfter) {
		t.Errorf("renewed as %v until %s", second.DNSNames, second.NotAfter)
	}
	// The pages have what mail has.
	cert, err := handshake(t, m.ACME.TLSConfig(), web)
	if err != nil || cert.SerialNumber.Cmp(s.shown(m, web).SerialNumber) != 0 {
		t.Errorf("the pages have another certificate: %v", err)
	}
}

// TestCertificatesAreKept starts twice on one database: the authority is asked
// once, and nothing of the key can be read in the files.
func TestCertificatesAreKept(t *testing.T) {
	s := newStage(t, pebbletest.Options{})
	m, stop := s.play(mail, 0)
	first, firstMail := s.waitFor(m, web, isFor(web)), s.waitFor(m, mail, isFor(mail))
	stop()
	m, stop = s.play(mail, 0)
	second, secondMail := s.waitFor(m, web, isFor(web)), s.waitFor(m, mail, isFor(mail))
	if first.SerialNumber.Cmp(second.SerialNumber) != 0 || firstMail.SerialNumber.Cmp(secondMail.SerialNumber) != 0 {
		t.Error("the second start got other certificates")
	}
	stop()
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "PRIVATE KEY") || strings.Contains(string(raw), "BEGIN CERTIFICATE") {
			t.Errorf("%s can be read", file)
		}
	}
}

// TestMailDomainCannotBeHad has the authority refuse the name of the mails. The
// pages do not mind.
func TestMailDomainCannotBeHad(t *testing.T) {
	s := newStage(t, pebbletest.Options{Refused: []string{mail}})
	m, _ := s.play(mail, 0)
	s.waitFor(m, web, isFor(web))
	for _, name := range []string{mail, "", "mx.test"} {
		if got := s.shown(m, name); !isFor(web)(got) {
			t.Errorf("a client that asks for %q is shown that of %v", name, got.DNSNames)
		}
	}
	for deadline := time.Now().Add(patience); !strings.Contains(s.log.String(), "level=WARN"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is said:\n%s", s.log.String())
		}
	}
	if log := s.log.String(); !strings.Contains(log, "mail.domain") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log says\n%s", log)
	}
}

// TestNameLeadsElsewhere has the authority look for us where nobody listens: mail
// has our own certificate, the pages have none, and the log says how to mend it.
func TestNameLeadsElsewhere(t *testing.T) {
	slow.Test(t, "asks an authority")
	s := newStage(t, pebbletest.Options{})
	s.plain, s.tls = pebbletest.FreeAddress(t), pebbletest.FreeAddress(t)
	m, stop := s.play("", 0)
	for deadline := time.Now().Add(patience); !strings.Contains(s.log.String(), "level=ERROR"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is said:\n%s", s.log.String())
		}
	}
	log := s.log.String()
	log = log[strings.Index(log, "level=ERROR"):]
	for _, part := range []string{"name=" + web, "web.url", "DNS", "port 80 to web.listen", "port 443 to web.listen_tls", "authorization failed", "next="} {
		if !strings.Contains(log, part) {
			t.Errorf("no %q in %s", part, log)
		}
	}
	if got := s.shown(m, web); !isFor("own.test")(got) {
		t.Errorf("mail shows a certificate for %v", got.DNSNames)
	}
	if cert, err := handshake(t, m.ACME.TLSConfig(), web); err == nil {
		t.Errorf("the pages show a certificate for %v", cert.DNSNames)
	}
	stopped := time.Now()
	stop()
	if took := time.Since(stopped); took > 3*time.Second {
		t.Errorf("it takes %s to stop", took)
	}
}
