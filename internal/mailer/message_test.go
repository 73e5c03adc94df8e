package mailer

import (
	"bytes"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// readBack reads a message as a mail program does.
func readBack(t *testing.T, raw []byte) (*mail.Message, string) {
	t.Helper()
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if strings.ContainsAny(line, "\r\n") {
			t.Errorf("a bare line end in %q", line)
		}
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return m, string(text)
}

func TestMessage(t *testing.T) {
	long := strings.Repeat("Nürnberg und Fürth ", 20)
	raw := Message{
		FromName: "Nürnberg, \"U1\"", From: "nuernberg@mail.example", To: "rider@example.org", ReplyTo: "nuernberg@mail.example",
		Subject: long, Text: "Plärrer\r\n.\nFrom here\n\ttab " + strings.Repeat("x", 200), MessageID: "id@mail.example",
		Date:    time.Date(2024, 5, 3, 10, 0, 0, 0, time.FixedZone("", 7200)),
		Headers: [][2]string{{"List-Id", "<x.example>"}, {"List-Unsubscribe", "<https://example.org/" + strings.Repeat("t", 100) + ">"}},
	}.Bytes()
	m, text := readBack(t, raw)
	if want := "Plärrer\r\n.\r\nFrom here\r\n\ttab " + strings.Repeat("x", 200) + "\r\n"; text != want {
		t.Errorf("text %q", text)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "Nürnberg, \"U1\"" || from[0].Address != "nuernberg@mail.example" {
		t.Errorf("From %v %v", from, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != strings.TrimSpace(long) {
		t.Errorf("subject %q %v", subject, err)
	}
	if date, err := m.Header.Date(); err != nil || !date.Equal(time.Date(2024, 5, 3, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("date %v %v", date, err)
	}
	for name, want := range map[string]string{"To": "<rider@example.org>", "Message-Id": "<id@mail.example>", "Mime-Version": "1.0", "List-Id": "<x.example>"} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if !strings.Contains(m.Header.Get("List-Unsubscribe"), strings.Repeat("t", 100)+">") {
		t.Error("the link was broken")
	}
	for _, c := range string(raw) {
		if c > 126 {
			t.Fatalf("%q is not ASCII", c)
		}
	}
}

func TestMessageHeaderInjection(t *testing.T) {
	const evil = "x\r\nBcc: victim@example.org\r\n\r\nbody\n\u2028y\x00"
	raw := Message{FromName: evil, From: "a@mail.example" + evil, To: "b@example.org" + evil, ReplyTo: evil, Subject: evil, MessageID: evil, Text: "text",
		Headers: [][2]string{{"X-Good", evil}, {"Bcc: v@example.org\r\nX", "y"}, {"", "y"}, {"Ü", "y"}}}.Bytes()
	head, body, ok := strings.Cut(string(raw), "\r\n\r\n")
	if !ok || body != "text\r\n" {
		t.Errorf("body %q", body)
	}
	var names []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if !strings.HasPrefix(line, " ") {
			name, _, _ := strings.Cut(line, ":")
			names = append(names, name)
		}
	}
	want := []string{"Date", "From", "To", "Reply-To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "X-Good"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("-want +got:\n%s\n%s", diff, raw)
	}
}

func FuzzMessage(f *testing.F) {
	f.Add("Nürnberg", "Betreff", "Text\n")
	f.Add("a\r\nb", "\r\n\r\n", ".\r\n")
	f.Fuzz(func(t *testing.T, name, subject, text string) {
		raw := Message{FromName: name, From: "a@mail.example", To: "b@example.org", Subject: subject, Text: text, Headers: [][2]string{{"X-A", subject}}}.Bytes()
		m, _ := readBack(t, raw)
		if len(m.Header) != 8 {
			t.Errorf("%d headers: %v", len(m.Header), m.Header)
		}
	})
}
