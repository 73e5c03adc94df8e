package certs_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"ticketfrei/app/certs"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/secret"
)

func mustBox(t *testing.T, key byte) *secret.Box {
	t.Helper()
	box, err := secret.New(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func mustOwn(t *testing.T, s *db.Secrets, domain string, now time.Time) *tls.Certificate {
	t.Helper()
	cert, err := certs.Own(t.Context(), s, domain, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.Leaf.VerifyHostname(domain); err != nil {
		t.Error(err)
	}
	if now.Before(cert.Leaf.NotBefore) || now.After(cert.Leaf.NotAfter) {
		t.Errorf("valid from %s to %s, not at %s", cert.Leaf.NotBefore, cert.Leaf.NotAfter, now)
	}
	return cert
}

// TestOwnCertificateIsMadeOnce has it stay the same for those who remember it.
func TestOwnCertificateIsMadeOnce(t *testing.T) {
	d := dbtest.MustOpen(t, time.Now, nil)
	now := time.Now()
	for _, step := range []struct {
		name   string
		key    byte
		domain string
		now    time.Time
		same   bool // as in the step before
	}{
		{"first start", 7, "mail.example", now, false},
		{"next start", 7, "mail.example", now.AddDate(9, 0, 0), true},
		{"soon over", 7, "mail.example", now.AddDate(10, 0, -20), false},
		{"another domain", 7, "xn--stdte-hra.example", now, false},
		{"a lost key", 8, "xn--stdte-hra.example", now, false},
		{"back again", 8, "xn--stdte-hra.example", now, true},
	} {
		t.Run(step.name, func(t *testing.T) {
			before, _, _ := d.Secrets(mustBox(t, step.key)).Get(t.Context(), "mail/certificate")
			mustOwn(t, d.Secrets(mustBox(t, step.key)), step.domain, step.now)
			after, _, err := d.Secrets(mustBox(t, step.key)).Get(t.Context(), "mail/certificate")
			if err != nil || (before == after) != step.same {
				t.Errorf("the same one: %v, want %v (%v)", before == after, step.same, err)
			}
		})
	}
}

// TestMailWithoutAuthority shows a client of mail our own certificate, whatever
// name it asks for.
func TestMailWithoutAuthority(t *testing.T) {
	own := mustOwn(t, dbtest.MustOpen(t, time.Now, nil).Secrets(mustBox(t, 7)), "mail.example", time.Now())
	m := &certs.Mail{Own: own}
	for _, name := range []string{"mail.example", "mx.example", ""} {
		cert, err := handshake(t, &tls.Config{GetCertificate: m.GetCertificate}, name)
		if err != nil || !cert.Equal(own.Leaf) {
			t.Errorf("%q: %v, %v", name, cert, err)
		}
	}
}

// handshake is what a client is shown that asks for a name.
func handshake(t *testing.T, conf *tls.Config, name string) (*x509.Certificate, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		server := tls.Server(ours, conf)
		if server.HandshakeContext(t.Context()) != nil {
			ours.Close()
		}
	}()
	client := tls.Client(theirs, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err := client.HandshakeContext(t.Context()); err != nil {
		return nil, err
	}
	go client.Read(make([]byte, 1)) // takes what the server still has to say
	<-served
	return client.ConnectionState().PeerCertificates[0], nil
}
