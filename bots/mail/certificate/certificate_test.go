package certificate

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/bots/mail/certificate/certificatetest"
)

// serial returns the serial number of the certificate that a client is shown.
func serial(t *testing.T, f *Files) int64 {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	served := make(chan error, 1)
	go func() {
		served <- tls.Server(ours, &tls.Config{GetCertificate: f.GetCertificate}).HandshakeContext(t.Context())
	}()
	client := tls.Client(theirs, &tls.Config{InsecureSkipVerify: true})
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	go client.Read(make([]byte, 1)) // takes what the server still has to say
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	return client.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestRenewal(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certificatetest.MustWrite(t, dir, "mail.example", 1)
	var logged bytes.Buffer
	f, err := Open(certFile, keyFile, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func()
		serial int64
		log    string // level of the one line that is logged, if any
	}{
		{"from the start", func() {}, 1, ""},
		{"renewed", func() { certificatetest.MustWrite(t, dir, "mail.example", 2) }, 2, "INFO"},
		{"no certificate", func() { certificatetest.MustWriteFile(t, certFile, []byte("nonsense"), 3) }, 2, "ERROR"},
		{"without the key", func() { os.Remove(keyFile) }, 2, "ERROR"},
		{"mended", func() { certificatetest.MustWrite(t, dir, "mail.example", 4) }, 4, "INFO"},
	} {
		t.Run(c.name, func(t *testing.T) {
			logged.Reset()
			c.change()
			for range 2 { // the second time nothing is said about it
				if got := serial(t, f); got != c.serial {
					t.Errorf("certificate %d, want %d", got, c.serial)
				}
			}
			lines := strings.Count(logged.String(), "\n")
			if c.log == "" && lines != 0 || c.log != "" && (lines != 1 || !strings.Contains(logged.String(), "level="+c.log)) {
				t.Errorf("logged %q", &logged)
			}
		})
	}
}

func TestBrokenFromTheStart(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certificatetest.MustWrite(t, dir, "mail.example", 1)
	broken := filepath.Join(dir, "broken.pem")
	certificatetest.MustWriteFile(t, broken, []byte("nonsense"), 1)
	for name, files := range map[string][2]string{
		"missing": {certFile, filepath.Join(dir, "missing.pem")}, "broken": {broken, keyFile}, "swapped": {keyFile, certFile},
	} {
		t.Run(name, func(t *testing.T) {
			if f, err := Open(files[0], files[1], slog.New(slog.DiscardHandler)); err == nil || f != nil {
				t.Errorf("%v %v", f, err)
			}
		})
	}
}
