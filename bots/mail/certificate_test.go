package mail

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/config"
)

// writeCertificate puts a new certificate into dir. The files' times differ
// for every serial number, as they would after a renewal.
func writeCertificate(t *testing.T, dir string, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: domain}, DNSNames: []string{domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeFile(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), serial)
	writeFile(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), serial)
	return certFile, keyFile
}

func writeFile(t *testing.T, name string, content []byte, version int64) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000+version, 0)
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestSTARTTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writeCertificate(t, dir, 1)
	b := newBench(t, func(c *config.Config) { c.Mail.TLSCert, c.Mail.TLSKey = certFile, keyFile })
	b.city("nuernberg")
	serial := func() int {
		d := dial(t, b.smtp)
		d.reply()
		if got := d.say("EHLO client.example", "250 "); !strings.Contains(got, "STARTTLS") {
			t.Fatalf("not offered: %s", got)
		}
		n, err := strconv.Atoi(d.startTLS())
		if err != nil {
			t.Fatal(err)
		}
		d.say("EHLO client.example", "250 ")
		d.say("MAIL FROM:<rider@example.org>", "250 ")
		d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
		d.say("DATA", "354 ")
		d.write(dotted(simple))
		if got := d.multi(); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
		if got := b.take(); len(got) != 1 {
			t.Fatalf("heard %+v", got)
		}
		return n
	}
	if got := serial(); got != 1 {
		t.Errorf("certificate %d", got)
	}
	writeCertificate(t, dir, 2)
	if got := serial(); got != 2 {
		t.Errorf("after the change: certificate %d", got)
	}
	writeFile(t, certFile, []byte("nonsense"), 3)
	for range 2 {
		if got := serial(); got != 2 {
			t.Errorf("with a broken file: certificate %d", got)
		}
	}
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("without the key: certificate %d", got)
	}
	writeCertificate(t, dir, 4)
	if got := serial(); got != 4 {
		t.Errorf("mended: certificate %d", got)
	}
}

func TestBrokenCertificateAtTheStart(t *testing.T) {
	b := newBench(t, nil)
	host := b.network.host
	cfg := *host.Config
	cfg.Mail.TLSCert = filepath.Join(t.TempDir(), "missing.pem")
	host.Config = &cfg
	n, err := New(host)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "mail.tls_cert") {
		t.Errorf("got %v", err)
	}
}
