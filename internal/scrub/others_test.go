package scrub_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"ticketfrei/internal/scrub"
)

// Links as they stand in the mails of other programs.
const (
	jwt      = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6IlJpZGVyQEV4YW1wbGUub3JnIiwiY2l0eSI6Ik5cdTAwZmNybmJlcmcifQ.OhWIiBNIDkz3YEc8lPF3J4WUOrDquSjxiMP5IoyONps"
	nacl     = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH1LlAwoDqHzQzBnSmEbB9C0AQYl7Wlt8QSE6TluSmMSK-PCicg84kONoJkP5mYgjZW7Cc-0GqNirXtlS1jJIL7DzZ4A=="
	otherWeb = "https://tickets.example.org:8443" // the spellings write this host otherwise
)

// TestStripLinksOfOtherPrograms has them in all spellings, with the host of the other program
// and with ours.
func TestStripLinksOfOtherPrograms(t *testing.T) {
	links := scrub.NewLinks("https://fahrt.example", mustBox(t))
	for kind, path := range map[string]string{
		"Ticketfrei 2":             "/city/mail/unsubscribe/" + jwt,
		"Ticketfrei 2, to confirm": "/city/mail/confirm/" + jwt,
		"of a newer library":       "/city/mail/unsubscribe/" + strings.Replace(jwt, "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", 1),
		"Kibicara":                 "/hoods/1/email-unsubscribe?token=" + nacl,
		"Kibicara, to confirm":     "/hoods/12/email-confirm?token=" + nacl,
	} {
		token := path[strings.LastIndexAny(path, "/=")+1:]
		if strings.HasPrefix(kind, "Kibicara") {
			token = nacl
		}
		for _, tt := range spellings {
			switch {
			case strings.HasPrefix(kind, "Kibicara") && !strings.Contains(tt.write(otherWeb+path, token), "token"):
				continue // nothing tells it from other letters, nor can it be used
			case strings.HasPrefix(tt.name, "entities") && strings.HasPrefix(kind, "Kibicara"), tt.name == "query", tt.name == "two slashes":
				continue // have a query or a path of their own
			}
			for where, text := range map[string]string{
				"middle": report + " %s Richtung Fürth",
				"lines":  report + "\n%s\nRichtung Fürth",
			} {
				t.Run(kind+"/"+tt.name+"/"+where, func(t *testing.T) {
					text := strings.Replace(text, "%s", tt.write(otherWeb+path, token), 1)
					got := links.Strip(text)
					if shows(got, token) || strings.Contains(got, "UmlkZXJARXhhbXBs") {
						t.Fatalf("%q\nbecame %q", text, got)
					}
					if !strings.HasPrefix(got, report) || !strings.HasSuffix(got, "Richtung Fürth") {
						t.Errorf("%q\nbecame %q", text, got)
					}
					if n := utf8.RuneCountInString(got); n > 60 && !strings.Contains(got, "a-a-") {
						t.Errorf("%q\nbecame %q", text, got)
					}
				})
			}
		}
	}
}

// TestStripPartsOfOtherTokens has tokens that were cut: the part with the address is enough to
// tell whose it is.
func TestStripPartsOfOtherTokens(t *testing.T) {
	links := scrub.NewLinks(web, mustBox(t))
	for _, part := range []string{jwt[:120], jwt[37:], jwt[37:110], strings.ReplaceAll(jwt, ".", " "), jwt[:90] + "…"} {
		got := links.Strip(report + " " + part + " Richtung Fürth")
		if strings.Contains(got, "IlJpZGVy") || !strings.HasPrefix(got, report) || !strings.HasSuffix(got, "Richtung Fürth") {
			t.Errorf("%q became %q", part, got)
		}
	}
	for _, text := range []string{"heyJo am Plärrer", "eyJo", "eyJemineDieKontrolle", "https://zeitung.example/eyJo/die-kontrollen-in-der-u-bahn-nehmen-wieder-zu"} {
		if got := links.Strip(text); got != text && text != "eyJemineDieKontrolle" {
			t.Errorf("%q became %q", text, got)
		}
	}
}
