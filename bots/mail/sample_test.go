package mail

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/report"
)

// answering is a field of an answer to a mail of ours, and quoted its end.
const (
	answering = "In-Reply-To: <1@" + domain + ">\n"
	quoted    = "On 3 May 2024 at 11:58, Nuernberg <nuernberg@" + domain + "> wrote:\n> SECRET\n"
)

// trying posts a sample as the form on the settings page does, as a file where
// asFile is set.
func (b *bench) trying(client *http.Client, source string, asFile bool) (code int, outcome, page string) {
	b.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	name := "source"
	field, err := w.CreateFormField(name)
	if asFile {
		field, err = w.CreateFormFile("file", "mail.eml")
	}
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := field.Write([]byte(source)); err != nil {
		b.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.t.Fatal(err)
	}
	code, page = b.read(client.Post(b.url+"/settings/mail/sample", w.FormDataContentType(), &form))
	_, outcome, _ = strings.Cut(page, `id="mail-sample-outcome"`)
	outcome, _, _ = strings.Cut(outcome, "</div>")
	return code, outcome, page
}

// A moderator sees what would become of a mail.
func TestTryingAMail(t *testing.T) {
	b := newBench(t, nil)
	client, city, _ := b.login("nuernberg")
	dbtest.MustSaveRules(t, b.db, city.ID, "kontis?", "verboten")
	const from = "From: Robin Rider <rider@example.org>\nSubject: "
	for _, c := range []struct {
		name, mail string
		want       []string
		not        string
	}{
		{"a report", from + "U1\n\n2 Kontis am Plärrer\n\n" + quoted,
			[]string{"This would be passed on:", "U1\n2 Kontis am Plärrer</pre>", "The reason: it fits this trigger pattern: kontis?"}, "SECRET"},
		{"with an address", from + "\n\n2 Kontis, call sam@example.net\n", []string{"2 Kontis"}, "sam@"},
		{"held", from + "\n\ndas Wetter ist schön\n", []string{"This would be held back:", "das Wetter", "The reason: no trigger pattern fits it, and it names no line or stop of your city."}, ""},
		{"blocked", from + "\n\nKontis verboten\n", []string{"The reason: it contains a blocked word of yours: verboten"}, ""},
		{"automatic", "Auto-Submitted: auto-replied\n" + from + "away\n\nI am away, 2 Kontis\n", []string{"It would be ignored", "Automatic answers"}, "pre"},
		{"nothing", answering + from + "\n\n" + quoted, []string{"It would be refused", "There is nothing new in this mail"}, "SECRET"},
		{"a command", from + "\n\nStop!\n", []string{"passed on to nobody"}, "pre"},
		{"a command with a report", from + "Info\n\n2 Kontis\n", []string{"2 Kontis</pre>", "It asks for something as well"}, ""},
		{"a picture", string(withPhoto("1", 3000)), []string{"Plärrer, 2 Kontis", "stay behind"}, ""},
		{"a bounce", deliveryReport("failed", "5.1.1"), []string{"It would be ignored"}, ""},
		{"a mailbox file", "\n\nFrom rider@example.org Fri May  3 10:00:00 2024\n" + from + "U1\n\nKontis\n", []string{"U1\nKontis</pre>"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			for _, asFile := range []bool{false, true} {
				code, outcome, page := b.trying(client, c.mail, asFile)
				b.expect(code, page, 200)
				for _, want := range c.want {
					if !strings.Contains(outcome, want) {
						t.Errorf("as file %v: %q is not there: %s", asFile, want, outcome)
					}
				}
				if c.not != "" && strings.Contains(outcome, c.not) {
					t.Errorf("as file %v: %q is there: %s", asFile, c.not, outcome)
				}
			}
		})
	}
	b.t = t
	for _, c := range []struct{ name, mail, want string }{
		{"nothing", " \n", "Please paste the source"},
		{"words", "2 Kontis am Plärrer", "does not look like the source"},
	} {
		code, _, page := b.trying(client, c.mail, true)
		b.expect(code, page, http.StatusUnprocessableEntity, c.want)
	}
	if heard, counted := b.take(), b.rows("mail_ignored"); len(heard) > 0 || counted > 0 {
		t.Errorf("heard %+v, counted %d", heard, counted)
	}
	b.noAccountMail()
	if code, _ := b.post("/settings/mail/sample", url.Values{"source": {simple}}); code != http.StatusUnauthorized { // asks for a login, and keeps what was sent
		t.Errorf("a stranger got %d", code)
	}
}

// A moderator mails a sample, or forwards one as an attachment, and is answered by
// mail. To everybody else the address is none.
func TestMailingASample(t *testing.T) {
	b := newBench(t, nil)
	b.login("nuernberg")
	fuerth, _ := b.city("fuerth")
	signer := mailertest.NewSigner(t, b.names, "example.org")
	const to = "nuernberg+sample@" + domain
	head := "From: M <nuernberg@example.org>\nTo: " + to + "\nSubject: "
	attached := head + "Fwd: odd\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nlook at this\n--b\nContent-Type: message/rfc822\n\n"
	send := func(mail string, signed bool) string {
		t.Helper()
		mail = crlf(mail)
		if signed {
			mail = string(signer.Sign([]byte(mail)))
		}
		return b.send("nuernberg@example.org", []string{to}, mail)
	}
	for _, c := range []struct{ name, mail, want string }{
		{"a mail", head + "U1\n\n2 Kontis\n\n> SECRET\n", "This would be passed on:\n\nU1\n2 Kontis\n\nThe reason: it fits this trigger pattern: *\n"},
		{"an attached one", attached + simple + "--b--\n", "This would be passed on:\n\nU1\nPlärrer, 2 Kontis\n"},
		{"an attached one with a large picture", attached + strings.ReplaceAll(string(withPhoto("1", 600_000)), "\r\n", "\n") + "--b--\n", "Plärrer, 2 Kontis"},
		{"an attached one that would be refused", attached + answering + "From: x@example.net\n\n" + quoted + "--b--\n", "There is nothing new in this mail"},
		{"one that would be refused", answering + head + "\n\n" + quoted, "There is nothing new in this mail"},
		{"an attached one of a machine", attached + "From: x@example.net\nAuto-Submitted: auto-replied\n\naway\n--b--\n", "Automatic answers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			if got := send(c.mail, true); !strings.HasPrefix(got, "250 ") {
				t.Fatal(got)
			}
			m, read := b.accountMail()
			if m.To != "nuernberg@example.org" || !strings.Contains(read.Text, c.want) || strings.Contains(read.Text, "SECRET") || strings.Contains(read.Text, "!mail.") {
				t.Errorf("mailed to %s: %s", m.To, read.Text)
			}
		})
	}
	b.t = t
	if got := send(head+"U1\n\n2 Kontis\n", false); !strings.HasPrefix(got, "550 5.7.1 ") {
		t.Errorf("not proven: %s", got)
	}
	if got := send(strings.ReplaceAll(head, "<nuernberg@", "<other@")+"U1\n\n2 Kontis\n", true); !strings.HasPrefix(got, "550 5.7.1 ") {
		t.Errorf("no moderator: %s", got)
	}
	if moderates, err := b.network.moderates(t.Context(), report.City{ID: fuerth.ID}, "nuernberg@example.org"); moderates || err != nil {
		t.Errorf("a moderator of another city: %v, %v", moderates, err)
	}
	b.noAccountMail()
	if heard, counted := b.take(), b.rows("mail_ignored"); len(heard) > 0 || counted > 0 {
		t.Errorf("heard %+v, counted %d", heard, counted)
	}
	mail := string(signer.Sign([]byte(crlf(head + "U1\n\n2 Kontis\n"))))
	if got := b.send("nuernberg@example.org", []string{to, "fuerth@" + domain}, mail); !strings.HasPrefix(got, "250 ") {
		t.Errorf("to a city as well: %s", got)
	}
	if b.accountMail(); len(b.take()) != 1 {
		t.Error("the report to a city beside the sample is lost")
	}
	if got := b.send("rider@example.org", []string{to, "fuerth@" + domain}, simple); !strings.HasPrefix(got, "250 ") || len(b.take()) != 1 {
		t.Errorf("a stranger's report beside what is no sample: %s", got)
	}
	b.noAccountMail()
	got := ""
	for range samplesADay {
		got = send(head+"U1\n\n2 Kontis\n", true)
	}
	if !strings.HasPrefix(got, "550 5.7.1 ") {
		t.Errorf("the last of many: %s", got)
	}
}

// What a mail that is pasted beside the rules says: its sender's words, and nothing where it
// is no mail.
func TestPreviewOfAMail(t *testing.T) {
	b := newBench(t, nil)
	city, _ := b.city("nuernberg")
	say := func(id string, data ...any) string { return b.network.host.Texts.T("en", id, data...) }
	const from = "From: Robin Rider <rider@example.org>\nSubject: "
	for _, tt := range []struct {
		source, text, note string
		mail               bool
	}{
		{from + "U1\n\n2 Kontis am Plärrer\n\n" + quoted, "U1\n2 Kontis am Plärrer", "", true},
		{"\ufeff\n" + from + "U1\n\nKontis\n-- \nRobin", "U1\nKontis", "", true},
		{"Auto-Submitted: auto-replied\n" + from + "away\n\nI am away\n", "", "It would be ignored", true},
		{"Achtung: 2 Kontis\nU1: Plärrer", "", "", false},
		{"2 Kontis am Plärrer", "", "", false},
	} {
		text, notes, is, err := b.network.Preview(t.Context(), city, []byte(tt.source), say)
		if err != nil || text != tt.text || is != tt.mail || !strings.Contains(strings.Join(notes, " "), tt.note) || tt.note == "" && len(notes) > 0 {
			t.Errorf("%q: %q, %q, %t, %v", tt.source, text, notes, is, err)
		}
	}
}
