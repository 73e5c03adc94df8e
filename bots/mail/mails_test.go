package mail

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots/mail/mailtext"
)

// TestEveryMail sends all that mailtext is tested with through the server: each
// has an answer that fits what became of it, and none gets in the way of the
// next.
func TestEveryMail(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	mails := 0
	err := filepath.WalkDir("mailtext/testdata", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		mails++
		t.Run(strings.TrimPrefix(filepath.ToSlash(path), "mailtext/testdata/"), func(t *testing.T) {
			b.t = t
			checkTaken(t, b, string(raw))
		})
		return nil
	})
	b.t = t
	if err != nil || mails < 100 {
		t.Fatalf("%d mails: %v", mails, err)
	}
	if got := b.send("rider@example.org", []string{"nuernberg@" + domain}, simple); !strings.HasPrefix(got, "250 ") || len(b.take()) != 1 {
		t.Errorf("the server does not work any more: %s", got)
	}
}

// checkTaken sends a mail and compares what becomes of it with what is in it.
func checkTaken(t *testing.T, b *bench, mail string) {
	t.Helper()
	const from = "someone@example.org"
	m, refused := mailtext.Read([]byte(crlf(mail)), mailtext.Envelope{From: from, To: []string{"nuernberg@" + domain}, Domains: []string{domain}})
	want := "250 "
	var texts, heard []string
	switch {
	case refused != nil:
		want = "554 5.6.0 "
	case m.Skip == "":
		texts = []string{m.Text}
	}
	if got := b.send(from, []string{"nuernberg@" + domain}, mail); !strings.HasPrefix(got, want) {
		t.Errorf("answered with %s, want %s", got, want)
	}
	for _, h := range b.take() {
		heard = append(heard, h.In.Text)
	}
	if diff := cmp.Diff(texts, heard); diff != "" {
		t.Errorf("-read +heard:\n%s", diff)
	}
}
