package mailer

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/emersion/go-sasl"
	"github.com/google/go-cmp/cmp"

	own "ticketfrei/internal/dkim"
)

// withKeys returns a mailer with keys.
func withKeys(t *testing.T, r *remote) (*Mailer, *own.Keys) {
	t.Helper()
	keys, err := own.New()
	if err != nil {
		t.Fatal(err)
	}
	m := New(settings("smtp://"+r.addr), slog.New(slog.DiscardHandler), time.Now, Signed(keys))
	t.Cleanup(func() { m.Close() })
	return m, keys
}

// TestMailsAreSigned sends mails through a relay with keys.
func TestMailsAreSigned(t *testing.T) {
	r := startRemote(t, nil)
	m, keys := withKeys(t, r)
	plain := AccountMail(settings("").Mail, "rider@example.org", "Grüße", "Hallo\n.\nschöne Grüße\n", time.Now())
	plain.From = "city@mail.example"
	for range 3 {
		if err := m.Send(t.Context(), plain); err != nil {
			t.Fatal(err)
		}
	}
	mails, _ := r.seen()
	if len(mails) != 3 {
		t.Fatalf("%d mails arrived", len(mails))
	}
	for _, mail := range mails {
		found, err := dkim.VerifyWithOptions(bytes.NewReader(mail.Data), &dkim.VerifyOptions{LookupTXT: func(name string) (texts []string, _ error) {
			for _, record := range keys.Records("mail.example") {
				if record.Name == name {
					texts = append(texts, record.Text)
				}
			}
			return texts, nil
		}})
		if err != nil || len(found) != 2 || found[0].Err != nil || found[1].Err != nil {
			t.Errorf("%v, %v:\n%s", found, err, mail.Data)
		}
		if !bytes.HasSuffix(mail.Data, plain.Data) {
			t.Errorf("the mail itself was changed:\n%s", mail.Data)
		}
	}
}

// TestNameOfTheServer says hello with mail.helo.
func TestNameOfTheServer(t *testing.T) {
	r := startRemote(t, nil)
	cfg := settings("smtp://" + r.addr)
	cfg.Mail.Helo = "post.mail.example"
	mustSend(t, newMailer(t, cfg))
	if diff := cmp.Diff("post.mail.example", r.hellos[len(r.hellos)-1]); diff != "" {
		t.Errorf("hello -want +got:\n%s", diff)
	}
}

// TestPasswordFile logs in with a password in a file that is changed meanwhile.
func TestPasswordFile(t *testing.T) {
	r := startRemote(t, withLogin(sasl.Plain))
	file := filepath.Join(t.TempDir(), "password")
	cfg := settings("smtp://me@" + r.addr)
	cfg.Mail.RelayPasswordFile = file
	m := newMailer(t, cfg)

	err := m.Send(t.Context(), aMail)
	if err == nil || CheckPassword(cfg.Mail) == nil || !strings.Contains(err.Error(), "mail.relay_password_file: "+file+": no such file") {
		t.Errorf("without the file: %v", err)
	}
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{"\n": "empty", "s3cr@t\nmore\n": "more than one line", strings.Repeat("x", 5000): "more than one line"} {
		put(text)
		if err := m.Send(t.Context(), aMail); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr@t") {
			t.Errorf("%.10q: %v, want %q", text, err, want)
		}
	}
	put("old")
	if err := m.Send(t.Context(), aMail); err == nil || !strings.Contains(err.Error(), "535") {
		t.Errorf("with a wrong password: %v", err)
	}
	put("s3cr@t\n")
	mustSend(t, m)
	if err := CheckPassword(cfg.Mail); err != nil {
		t.Error(err)
	}
}
