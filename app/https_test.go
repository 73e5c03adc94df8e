package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ticketfrei/app/certs/pebbletest"
	"ticketfrei/bots/all"
	"ticketfrei/internal/freeport"
	"ticketfrei/internal/slow"
)

// starttls mails a report by STARTTLS and returns the certificate it was shown.
func starttls(t *testing.T, address, messageID, text string, conf *tls.Config) *x509.Certificate {
	t.Helper()
	c, err := smtp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.StartTLS(conf); err != nil {
		t.Fatal(err)
	}
	if err := c.Mail("rider@riders.example"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt(here); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	w.Write(message("rider@riders.example", here, messageID, "", text))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	state, _ := c.TLSConnectionState()
	return state.PeerCertificates[0]
}

// TestMailIsEncrypted has no setting about TLS. What is heard by STARTTLS is a
// report, and the certificate is the same after the next start.
func TestMailIsEncrypted(t *testing.T) {
	dir, box := t.TempDir(), startMailbox(t)
	conf := &tls.Config{ServerName: "tickets.example", InsecureSkipVerify: true}
	a := startApp(t, dir, box)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "one@riders.example")
	first := starttls(t, a.smtp, "m1@x", "Kontis am Plärrer", conf)
	box.waitFor(t, "one@riders.example", "Kontis am Plärrer")
	if err := first.VerifyHostname("tickets.example"); err != nil {
		t.Error(err)
	}
	a.stop()
	a = startApp(t, dir, box)
	if second := starttls(t, a.smtp, "m2@x", "Kontis am Rathenauplatz", conf); !first.Equal(second) {
		t.Error("the next start has another certificate")
	}
	readableKeys(t, dir)
}

// readableKeys looks for private keys in the files of a directory.
func readableKeys(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), "PRIVATE KEY") {
			t.Errorf("%s has a private key that anybody can read", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestHTTPSPortInUse has another program on the port, which ends the start.
func TestHTTPSPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	definitions := all.Networks()
	cfg := testConfig(t, t.TempDir(), definitions, "TICKETFREI_WEB_ACME=you@example.org", "TICKETFREI_WEB_URL=https://"+publicName,
		"TICKETFREI_WEB_LISTEN_TLS="+l.Addr().String())
	s, err := newServer(t.Context(), cfg, definitions, slog.New(slog.DiscardHandler), mode{})
	if err == nil {
		s.close()
	}
	if err == nil || !strings.Contains(err.Error(), "setting web.listen_tls") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("the start says %v", err)
	}
}

// secured is the program as it serves https itself, and who looks at it.
type secured struct {
	*testing.T
	binary, dir          string
	env                  []string
	plain, tls, incoming string // addresses
	roots                *x509.CertPool
}

const publicName = "tickets.example"

// secure starts an authority and makes the settings for it. Its certificates are
// so short that every start renews them.
func secure(t *testing.T) *secured {
	t.Helper()
	s := &secured{T: t, dir: t.TempDir(), binary: buildProgram(t)}
	env, a := environment(t, s.dir, startMailbox(t))
	s.plain, s.incoming = strings.TrimPrefix(a.url, "http://"), a.smtp
	var err error
	if s.tls, err = freeport.Address(); err != nil {
		t.Fatal(err)
	}
	pebble := pebbletest.Start(t, pebbletest.Options{HTTPPort: pebbletest.Port(t, s.plain), TLSPort: pebbletest.Port(t, s.tls), Validity: 30 * time.Minute})
	s.roots = pebble.Roots(t)
	s.env = append(env, "TICKETFREI_WEB_URL="+s.url(""), "TICKETFREI_WEB_LISTEN_TLS="+s.tls, "TICKETFREI_WEB_ACME=you@example.org",
		"TICKETFREI_WEB_ACME_DIRECTORY="+pebble.Directory, "SSL_CERT_FILE="+pebble.CAFile)
	return s
}

// url is the public address of a page.
func (s *secured) url(path string) string {
	_, port, err := net.SplitHostPort(s.tls)
	if err != nil {
		s.Fatal(err)
	}
	return "https://" + net.JoinHostPort(publicName, port) + path
}

// client is a browser that finds every name on this machine, has no connection
// open yet, and shows redirects.
func (s *secured) client() *http.Client {
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: s.roots},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
		}}
	s.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Timeout: patience, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// page waits until a page is served, and returns it with the certificate.
func (s *secured) page(path string) (*http.Response, string) {
	s.Helper()
	var resp *http.Response
	waitUntil(s, "https", func() (ok bool) {
		var err error
		resp, err = s.client().Get(s.url(path))
		return err == nil
	})
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return resp, string(body)
}

// TestHTTPSByACME starts the program as the README does, gets a page, mails by
// STARTTLS with the same certificate, and sees both renewed.
func TestHTTPSByACME(t *testing.T) {
	slow.Test(t, "builds the program and asks an authority")
	t.Parallel()
	s := secure(t)
	mustAddCity(t, s.binary, s.env, "nuernberg")
	p := startProgram(t, s.binary, s.env...)
	resp, _ := s.page("/city/nuernberg")
	if resp.ProtoMajor != 2 || !strings.HasPrefix(resp.Header.Get("Strict-Transport-Security"), "max-age=") {
		t.Errorf("%s with the headers %v", resp.Proto, resp.Header)
	}
	s.checkPlain()
	mailed := starttls(t, s.incoming, "m1@x", "Kontrolle am Plärrer", &tls.Config{ServerName: publicName, RootCAs: s.roots})
	if !mailed.Equal(resp.TLS.PeerCertificates[0]) {
		t.Error("mail has another certificate than the pages")
	}
	waitUntil(t, "the mailed report on the page", func() bool {
		_, body := s.page("/city/nuernberg")
		return strings.Contains(body, "Kontrolle am Plärrer")
	})
	live, err := s.client().Get(s.url("/city/nuernberg/live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Body.Close()
	if got := live.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("the live list is %s, %s", live.Status, got)
	}
	stopping := time.Now()
	p.stop()
	if took := time.Since(stopping); took > 10*time.Second || p.exitCode() != 0 {
		t.Errorf("with a page open it stops after %s with %d", took, p.exitCode())
	}

	startProgram(t, s.binary, s.env...)
	var renewed *x509.Certificate
	waitUntil(t, "a renewed certificate", func() bool {
		resp, _ := s.page("/city/nuernberg")
		renewed = resp.TLS.PeerCertificates[0]
		return !renewed.Equal(mailed)
	})
	if again := starttls(t, s.incoming, "m2@x", "Kontrolle am Rathenauplatz", &tls.Config{ServerName: publicName, RootCAs: s.roots}); !again.Equal(renewed) {
		t.Error("after the renewal, mail has another certificate than the pages")
	}
	readableKeys(t, s.dir)
}

// checkPlain looks at the port without TLS: visitors are sent to https, and to
// nowhere else.
func (s *secured) checkPlain() {
	s.Helper()
	for _, r := range []struct{ method, host, path, location string }{
		{http.MethodGet, publicName, "/city/nuernberg?line=U1", s.url("/city/nuernberg?line=U1")},
		{http.MethodPost, publicName, "/city/nuernberg/mail/unsubscribe/token", s.url("/city/nuernberg/mail/unsubscribe/token")},
		{http.MethodGet, "elsewhere.example", "//elsewhere.example/x", s.url("//elsewhere.example/x")},
		{http.MethodGet, publicName, "/metrics", s.url("/metrics")},
		{http.MethodGet, publicName, "/.well-known/acme-challenge/unknown", s.url("/.well-known/acme-challenge/unknown")},
		{http.MethodGet, "127.0.0.1", "/readyz", ""},
	} {
		req, err := http.NewRequestWithContext(s.Context(), r.method, "http://"+s.plain+r.path, nil)
		if err != nil {
			s.Fatal(err)
		}
		req.Host = r.host
		resp, err := s.client().Do(req)
		if err != nil {
			s.Fatal(err)
		}
		resp.Body.Close()
		want := http.StatusPermanentRedirect
		if r.location == "" {
			want = http.StatusOK
		}
		if got := resp.Header.Get("Location"); resp.StatusCode != want || got != r.location {
			s.Errorf("%s %s: %s to %q, want %d to %q", r.method, r.path, resp.Status, got, want, r.location)
		}
	}
	health := exec.CommandContext(s.Context(), s.binary, "health")
	health.Env = append(os.Environ(), s.env...)
	if out, err := health.CombinedOutput(); err != nil {
		s.Errorf("health: %v\n%s", err, out)
	}
}
