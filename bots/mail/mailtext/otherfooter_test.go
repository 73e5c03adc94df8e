package mailtext

import (
	"strings"
	"testing"
)

// Links below the mails of other programs. The first shows the address that it was sent to.
const (
	linkOfTicketfrei2 = "tf.example.org/city/mail/unsubscribe/eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImFsaWNlQGV4YW1wbGUub3JnIiwiY2l0eSI6ImdvdGhhbSJ9.c2lnbmF0dXJlAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	linkOfKibicara    = "https://kibicara.example.org/hoods/1/email-unsubscribe?token=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH1LlAwoDqHzQzBnSmEbB9C0AQYl7Wlt8QSE6TluSmMSK-PCicg84kONoJkP5mYgjZW7Cc-0GqNirXtlS1jJIL7DzZ4A=="
)

// TestFootersOfOtherPrograms answers old mails, as mail programs do.
func TestFootersOfOtherPrograms(t *testing.T) {
	const written, old = "U3 zwei Kontis", "U1 Bahnhof"
	t2 := "_______\nYou don't want to receive those messages? Unsubscribe with this link: " + linkOfTicketfrei2
	kibicara := "--\nIf you want to stop receiving these mails,follow this link: " + linkOfKibicara
	wrap := func(s string) string {
		return strings.NewReplacer("want to receive", "want to\nreceive", "to stop ", "to stop\n", "link: ", "link:\n", ".eyJ", ".\neyJ", "0AQY", "0A\nQY").Replace(s)
	}
	quote := func(s string) string { return "> " + strings.ReplaceAll(s, "\n", "\n> ") }
	for name, footer := range map[string]string{"Ticketfrei 2": t2, "Kibicara": kibicara} {
		for how, body := range map[string]string{
			"unmarked":              written + "\n\n" + old + "\n" + footer,
			"unmarked, wrapped":     written + "\n\n" + old + "\n" + wrap(footer),
			"in one line":           written + "\n\n" + old + " " + strings.ReplaceAll(footer, "\n", " "),
			"a round apostrophe":    written + "\n\n" + old + "\n" + strings.ReplaceAll(footer, "'", "’"),
			"without the line":      written + "\n\n" + old + "\n" + footer[strings.IndexByte(footer, '\n')+1:],
			"quoted":                written + "\n\n" + quote(old+"\n"+footer),
			"quoted and wrapped":    written + "\n\n" + quote(old+"\n"+wrap(footer)),
			"written below quoted":  quote(old+"\n"+footer) + "\n\n" + written,
			"with an attribution":   written + "\n\nAm 1.2.2021 um 10:00 schrieb gotham@reports.test:\n" + quote(old+"\n"+footer),
			"Outlook":               written + "\n\n-----Original Message-----\nFrom: gotham@reports.test\nSent: Monday\nTo: alice@example.org\nSubject: Report\n\n" + old + "\n" + footer,
			"at the end":            old + "\n" + footer + "\n\n" + written,
			"at the end, wrapped":   old + "\n" + wrap(footer) + "\n\n" + written + "\n",
			"below the link alone":  strings.Replace(footer, "link: ", "link:\n\n", 1) + "\n\n" + written,
			"the footer alone left": written + "\n" + footer,
		} {
			for _, kind := range []string{"text/plain", "text/html"} {
				t.Run(name+"/"+how+"/"+kind, func(t *testing.T) {
					if kind == "text/html" {
						body = "<p>" + strings.NewReplacer("&", "&amp;", ">", "&gt;", "\n", "<br>\n").Replace(body) + "</p>"
					}
					raw := "From: alice@example.org\r\nTo: gotham@reports.test\r\nSubject: Re: [Ticketfrei] Ticketfrei gotham Report\r\nMessage-ID: <1@example.org>\r\n" +
						"Content-Type: " + kind + "; charset=utf-8\r\n\r\n" + strings.ReplaceAll(body, "\n", "\r\n") + "\r\n"
					m, err := Read([]byte(raw), envelope)
					if err != nil {
						t.Fatal(err)
					}
					if rest := strings.TrimSpace(strings.ReplaceAll(m.Text, old, "")); rest != written {
						t.Errorf("of\n%s\ncame %q", body, m.Text)
					}
				})
			}
		}
	}
}

// TestAnswerBelowAnOldMail has what was written below an old mail that is not marked as quoted.
func TestAnswerBelowAnOldMail(t *testing.T) {
	for name, footer := range map[string]string{"Ticketfrei 2": linkOfTicketfrei2, "Kibicara": linkOfKibicara} {
		raw := "From: alice@example.org\r\nTo: gotham@reports.test\r\nSubject: Re: Report\r\nMessage-ID: <1@example.org>\r\n\r\n" +
			"> You don't want to receive those messages? Unsubscribe with this link: " + footer + "\r\n\r\nU3 zwei Kontis\r\n"
		m, err := Read([]byte(raw), envelope)
		if err != nil || m.Text != "U3 zwei Kontis" {
			t.Errorf("%s: %q, %v", name, m.Text, err)
		}
	}
}

// TestTextsThatSpeakOfReceiving stay as they are.
func TestTextsThatSpeakOfReceiving(t *testing.T) {
	for _, text := range []string{"U1 Plärrer\nDon't want to receive a fine? Get off.", "If you want to stop receiving fines, follow this link: zeitung.example", "Kontis want to receive 60 Euro"} {
		if got := strings.Join(cutOtherFooter(strings.Split(text, "\n")), "\n"); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
