package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/config"
)

// TestCertificatesEnd looks at certificates that end at different times.
func TestCertificatesEnd(t *testing.T) {
	now := time.Date(2026, 11, 26, 20, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, tt := range []struct {
		left      time.Duration
		mail, web Level
		found     string
	}{
		{90 * day, OK, OK, "90 days"},
		{15 * day, OK, OK, "15 days"},
		{13 * day, Warning, Warning, "13 days"},
		{-day, Wrong, Warning, ""}, // browsers refuse it before it is looked at
	} {
		cert := &x509.Certificate{NotAfter: now.Add(tt.left), DNSNames: []string{"post.tickets.example"}}
		for file, host := range map[string]string{"": "elsewhere.example", "/etc/cert.pem": "post.tickets.example"} {
			d := &doctor{host: host, Options: Options{Config: &config.Config{Mail: config.Mail{TLSCert: file}}, Now: func() time.Time { return now }}}
			mail, web := d.mailCertificate(greeting{certificate: cert}), d.webCertificate(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}})
			if mail.Level != tt.mail || web.Level != tt.web || !strings.Contains(mail.Found, tt.found) || (mail.Level != OK) != (mail.Todo != "") {
				t.Errorf("%s left: %v, %v", tt.left, mail, web)
			}
		}
	}
	d := &doctor{host: "other.example", Options: Options{Config: &config.Config{Mail: config.Mail{TLSCert: "/etc/cert.pem"}}, Now: func() time.Time { return now }}}
	if r := d.mailCertificate(greeting{certificate: &x509.Certificate{NotAfter: now.Add(90 * day), DNSNames: []string{"post.tickets.example"}}}); r.Level != Warning {
		t.Errorf("for another name: %v", r)
	}
}

// FuzzTag reads what strangers have written into DNS.
func FuzzTag(f *testing.F) {
	f.Add("v=DKIM1; k=rsa; p=MIIB", "p")
	f.Add(" p = M I I B ;;=;p", "p")
	f.Fuzz(func(t *testing.T, text, name string) {
		if got := tag(text, name); strings.ContainsAny(got, "; \t\r\n") {
			t.Errorf("%q has the tag %q", text, got)
		}
	})
}
