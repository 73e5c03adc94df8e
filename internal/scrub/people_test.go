package scrub_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ticketfrei/internal/scrub"
)

func TestPeople(t *testing.T) {
	for text, want := range map[string]string{
		"Kontis U1, schreibt anna@example.org":                     "Kontis U1, schreibt ",
		"@anna@example.org 2 Kontis U1":                            "2 Kontis U1",
		"Kontis (anna@example.org) U1":                             "Kontis U1",
		"Anna <anna@example.org> sagt: Kontis":                     "Anna sagt: Kontis",
		"U1 Kontis mailto:anna@example.org?subject=x":              "U1 Kontis ?subject=x",
		"U1 Kontis, anna@example.org.":                             "U1 Kontis, .",
		"U1 Kontis anna@example.org,bert@example.org":              "U1 Kontis ,",
		"*anna@example.org* Kontis U1":                             "** Kontis U1",
		"anna.müller+tf@fahrkarten-nürnberg.de Kontis":             "Kontis",
		"Kontis @änne@straßenbahn.example":                         "Kontis ",
		"Kontis anna@xn--nrnberg-n2a.xn--p1ai":                     "Kontis ",
		"Kontis ANNA@EXAMPLE.ORG":                                  "Kontis ",
		"Kontis Anna@Web.De":                                       "Kontis ",
		"Kontis @u1@chaos.social":                                  "Kontis ",
		"Kontis u1@chaos.social":                                   "Kontis ",
		"Kontis a\u200bnna@exa\u200bmple.org":                      "Kontis ",
		"\u202bمفتشون anna@example.org في المحطة\u202c":            "\u202bمفتشون في المحطة\u202c",
		"مفتشون @anna@example.org":                                 "مفتشون ",
		"Kontis https://chaos.example/@anna U1":                    "Kontis U1",
		"Kontis https://chaos.example/@anna/11223344.":             "Kontis .",
		"Kontis https://chaos.example/@anna@other.example U1":      "Kontis U1",
		"Kontis (siehe https://chaos.example/@anna) U1":            "Kontis (siehe ) U1",
		"Kontis chaos.example/@anna U1":                            "Kontis U1",
		"Kontis (siehe Chaos.example/web/@anna/11223344) U1":       "Kontis (siehe ) U1",
		"anna@example.org":                                         "",
		"@anna@example.org!":                                       "",
		"nuernberg@tickets.example.org @tickets@chaos.example U1":  "U1",
		"U1 Plärreranna@example.org Kontis":                        "U1 Kontis",
		"U1@Plärrer und anna@example.org":                          "U1@Plärrer und ",
		strings.Repeat("anna@example.org ", 100) + "U1 Plärrer":    "U1 Plärrer",
		"Kontis acct:anna@example.org":                             "Kontis ",
		"anna@example.org\n2 Kontis U1":                            "2 Kontis U1",
		"2 Kontis\nanna@example.org\nU1":                           "2 Kontis\nU1",
		"Kontis anna@example.org2 U1":                              "Kontis 2 U1",
		"Kontis https://user:pw@example.org/x":                     "Kontis https://user:/x",
		"Kontis https://example.org/?mail=anna@example.org&amp;x=": "Kontis https://example.org/?&amp;x=",
	} {
		if got := scrub.People(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestPeopleLeavesPlaces(t *testing.T) {
	for _, text := range []string{
		"", "U1 @ Plärrer", "U1 @Plärrer", "U1@Plärrer", "@Hbf 2 Kontis", "2@3", "2@3.50", "2@3,50 €", "U1@Plärrer.",
		"U1@Plärrer.Fahren Richtung Fürth", "U1@Hbf.In Richtung Fürth", "u1@plärrer.richtung fürth", "Kontis@Hbf.Richtung Fürth",
		"U1@Plärrer...Richtung Fürth", "@", "@@", "a@", "@a", "@a.b", "name (at) host", "anna at example dot org", "@@example.org",
		"https://maps.example/@49.4521,11.0767,15z", "https://maps.example/place/Pl%C3%A4rrer/@-49.4521,11.0767,15z", "/@anna",
		"U1/@Plärrer", "maps.example/@49.4521,11.0767,15z",
		"مفتشون @ المحطة",
	} {
		if got := scrub.People(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func FuzzPeople(f *testing.F) {
	for _, s := range []string{"a@b.de", "@a@b.de", "https://x/@a", "U1@Plärrer.Fahren", "<a@b.de>", "[x](mailto:a@b.de)", "\u202ba@b.de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := scrub.People(text)
		if len(got) > len(text) || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%q became %q", text, got)
		}
		if got := scrub.People(text + " anna.von.riders@example.org"); strings.Contains(got, "anna.von.riders") {
			t.Errorf("%q", got)
		}
	})
}

func TestPeopleIsLinear(t *testing.T) {
	for _, part := range []string{"@", "a@", "a@b.", "/@a", "a@b.de", "://@a", "a@B.Xy", "ä@"} {
		began := time.Now()
		scrub.People(strings.Repeat(part, 1<<18/len(part)))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("256 KiB of %q took %v", part, took)
		}
	}
}
