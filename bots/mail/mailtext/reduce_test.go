package mailtext

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// riderEnvelope is the envelope of the mails here.
var riderEnvelope = Envelope{From: "rider@example.org", To: []string{"nuernberg@mail.example"}, Domains: []string{"mail.example"}}

// bigPhoto is a part of a mail with a picture of a size.
func bigPhoto(size int) string {
	return "Content-Type: image/jpeg; name=\"IMG_1.JPG\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n" + base64Lines(size) + "\n"
}

// base64Lines is base64 of so many bytes, in lines.
func base64Lines(size int) string {
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(i * i >> 3)
	}
	text := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	for ; len(text) > 76; text = text[76:] {
		b.WriteString(text[:76] + "\n")
	}
	return b.String() + text
}

func mustReduce(t *testing.T, mail string) []byte {
	t.Helper()
	kept, err := Reduce(strings.NewReader(strings.ReplaceAll(mail, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// What somebody wrote is read beside pictures of any size, and little is kept of
// those.
func TestReducedMailsSayTheSame(t *testing.T) {
	const head = "From: Robin Rider <rider@example.org>\nTo: nuernberg@mail.example\nSubject: U1\nMIME-Version: 1.0\n"
	const text = "Content-Type: text/plain; charset=utf-8\n\nPlärrer, 2 Kontis\n"
	const html = "Content-Type: text/html; charset=utf-8\n\n<p>Plärrer, 2 Kontis</p><img src=\"cid:1\">\n"
	big := bigPhoto(4 << 20)
	for _, c := range []struct{ name, mail string }{
		{"text, then a picture", head + "Content-Type: multipart/mixed; boundary=b1\n\n--b1\n" + text + "\n--b1\n" + big + "--b1--\n"},
		{"a picture, then text", head + "Content-Type: multipart/mixed; boundary=\"b 1\"\n\n--b 1\n" + big + "--b 1\n" + text + "\n--b 1--\n"},
		{"a header over several lines", head + "Content-Type: multipart/mixed;\n\tboundary=\"=_b1\"\n\npreamble\n--=_b1\n" + text + "\n--=_b1  \n" + big + "--=_b1--\n"},
		{"HTML with its pictures", head + "Content-Type: multipart/related; boundary=b1\n\n--b1\nContent-Type: multipart/alternative; boundary=b11\n\n--b11\n" +
			text + "\n--b11\n" + html + "\n--b11--\n\n--b1\n" + big + "--b1--\n"},
		{"HTML alone with its pictures", head + "Content-Type: multipart/related; boundary=b1\n\n--b1\n" + html + "\n--b1\n" + big + "--b1--\n"},
		{"several pictures", head + "Content-Type: multipart/mixed; boundary=b1\n\n--b1\n" + big + "--b1\n" + big + "--b1\n" + text + "\n--b1\n" + big + "--b1--\n"},
		{"no end", head + "Content-Type: multipart/mixed; boundary=b1\n\n--b1\n" + text + "\n--b1\n" + big},
		{"one part", head + text[:len(text)-1] + strings.Repeat("\n\n", 1<<20)},
		{"a signature with long lines", head + text + "\n-- \n" + strings.Repeat("x", 4<<20) + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept := mustReduce(t, c.mail)
			if len(kept) > maxKept {
				t.Errorf("%d bytes are kept", len(kept))
			}
			m, err := Read(kept, riderEnvelope)
			if err != nil || m.Text != "U1\nPlärrer, 2 Kontis" {
				t.Errorf("text %q, error %v", m.Text, err)
			}
			if want := strings.Contains(c.mail, "image/"); m.Files != want {
				t.Errorf("files %v, want %v", m.Files, want)
			}
		})
	}
}

// A picture without words says so, and one whose subject has words is a report.
func TestReducedPictureAlone(t *testing.T) {
	const head = "From: rider@example.org\nMIME-Version: 1.0\n"
	if _, err := Read(mustReduce(t, head+bigPhoto(2<<20)), riderEnvelope); !errors.Is(err, ErrOnlyFiles) {
		t.Errorf("a picture: %v", err)
	}
	m, err := Read(mustReduce(t, "Subject: U1 Plärrer\n"+head+bigPhoto(2<<20)), riderEnvelope)
	if err != nil || m.Text != "U1 Plärrer" {
		t.Errorf("a picture with a subject: %q, %v", m.Text, err)
	}
}

// Broken and hostile mails neither grow nor hang.
func TestReduceIsBounded(t *testing.T) {
	const head = "From: rider@example.org\nContent-Type: multipart/mixed; boundary=b\n\n"
	nested := head
	for range 1000 {
		nested += "--b\nContent-Type: multipart/mixed; boundary=b\n\n"
	}
	for _, c := range []struct{ name, mail string }{
		{"a header without end", strings.Repeat("X-Long: "+strings.Repeat("x", 70)+"\n", 50_000)},
		{"a line without end", "Subject: " + strings.Repeat("x", 5<<20)},
		{"parts without end", head + strings.Repeat("--b\n\nx\n", 500_000)},
		{"dashes", head + strings.Repeat("--\n", 1<<20)},
		{"texts", head + strings.Repeat("--b\nContent-Type: text/plain\n\n"+strings.Repeat("Plärrer\n", 30_000), 20)},
		{"nested", nested + strings.Repeat("x\n", 1<<20)},
		{"mails in mails", strings.Repeat("Content-Type: message/rfc822\n\n", 100_000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept := mustReduce(t, c.mail)
			if len(kept) > maxKept {
				t.Errorf("%d bytes are kept", len(kept))
			}
			_, _ = Read(kept, riderEnvelope)
		})
	}
}

// The error of the connection is passed on.
func TestReduceFails(t *testing.T) {
	broken := errors.New("broken")
	if _, err := Reduce(io.MultiReader(strings.NewReader("Subject: x\r\n"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// Every mail that is read here is read the same when it is reduced.
func TestReduceChangesNothing(t *testing.T) {
	err := filepath.WalkDir("testdata", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		kept, err := Reduce(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		whole, wholeErr := Read(raw, riderEnvelope)
		reduced, reducedErr := Read(kept, riderEnvelope)
		if diff := cmp.Diff(whole, reduced); diff != "" || (wholeErr == nil) != (reducedErr == nil) {
			t.Errorf("%s: %v, %v, -whole +reduced:\n%s", path, wholeErr, reducedErr, diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// FuzzReduce looks for mails that are changed though they are small, or grow.
func FuzzReduce(f *testing.F) {
	f.Add([]byte("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nz\r\n--b--\r\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=\"\"\n\n--\n----\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		kept, err := Reduce(bytes.NewReader(raw))
		if err != nil || len(kept) > maxKept {
			t.Fatalf("%d bytes of %d, error %v", len(kept), len(raw), err)
		}
		if _, attached := IsNamed(raw), Attached(raw); len(attached) > 2*len(raw)+100 {
			t.Errorf("%d bytes are attached to %d", len(attached), len(raw))
		}
		if len(raw) < maxKeptFile && !bytes.Equal(raw, kept) {
			t.Errorf("-%q\n+%q", raw, kept)
		}
	})
}
