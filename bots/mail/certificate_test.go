package mail

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ticketfrei/bots/mail/certificate/certificatetest"
	"ticketfrei/internal/config"
)

func TestSTARTTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certificatetest.MustWrite(t, dir, domain, 1)
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
	certificatetest.MustWrite(t, dir, domain, 2)
	if got := serial(); got != 2 {
		t.Errorf("after the change: certificate %d", got)
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
