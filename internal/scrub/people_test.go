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
		"Kontis U1, schreibt anna@example.org":                                      "Kontis U1, schreibt ",
		"@anna@example.org 2 Kontis U1":                                             "2 Kontis U1",
		"Kontis (anna@example.org) U1":                                              "Kontis U1",
		"Anna <anna@example.org> sagt: Kontis":                                      "Anna sagt: Kontis",
		"U1 Kontis mailto:anna@example.org?subject=x":                               "U1 Kontis ?subject=x",
		"U1 Kontis, anna@example.org.":                                              "U1 Kontis, .",
		"U1 Kontis anna@example.org,bert@example.org":                               "U1 Kontis ,",
		"*anna@example.org* Kontis U1":                                              "** Kontis U1",
		"anna.müller+tf@fahrkarten-nürnberg.de Kontis":                              "Kontis",
		"Kontis @änne@straßenbahn.example":                                          "Kontis ",
		"Kontis anna@xn--nrnberg-n2a.xn--p1ai":                                      "Kontis ",
		"Kontis ANNA@EXAMPLE.ORG":                                                   "Kontis ",
		"Kontis Anna@Web.De":                                                        "Kontis ",
		"Kontis @u1@chaos.social":                                                   "Kontis ",
		"Kontis u1@chaos.social":                                                    "Kontis ",
		"Kontis a\u200bnna@exa\u200bmple.org":                                       "Kontis ",
		"\u202bمفتشون anna@example.org في المحطة\u202c":                             "\u202bمفتشون في المحطة\u202c",
		"مفتشون @anna@example.org":                                                  "مفتشون ",
		"Kontis https://chaos.example/@anna U1":                                     "Kontis U1",
		"Kontis https://chaos.example/@anna/11223344.":                              "Kontis .",
		"Kontis https://chaos.example/@anna@other.example U1":                       "Kontis U1",
		"Kontis (siehe https://chaos.example/@anna) U1":                             "Kontis (siehe ) U1",
		"Kontis chaos.example/@anna U1":                                             "Kontis U1",
		"Kontis (siehe Chaos.example/web/@anna/11223344) U1":                        "Kontis (siehe ) U1",
		"anna@example.org":                                                          "",
		"@anna@example.org!":                                                        "",
		"nuernberg@tickets.example.org @tickets@chaos.example U1":                   "U1",
		"U1 Plärreranna@example.org Kontis":                                         "U1 Kontis",
		"U1@Plärrer und anna@example.org":                                           "U1@Plärrer und ",
		strings.Repeat("anna@example.org ", 100) + "U1 Plärrer":                     "U1 Plärrer",
		"Kontis acct:anna@example.org":                                              "Kontis ",
		"anna@example.org\n2 Kontis U1":                                             "2 Kontis U1",
		"2 Kontis\nanna@example.org\nU1":                                            "2 Kontis\nU1",
		"Kontis anna@example.org2 U1":                                               "Kontis 2 U1",
		"Kontis https://user:pw@example.org/x":                                      "Kontis https://user:/x",
		"Kontis https://example.org/?mail=anna@example.org&amp;x=":                  "Kontis https://example.org/?&amp;x=",
		"Kontis https://x.example/users/anna U1":                                    "Kontis U1",
		"Kontis https://x.example/Users/anna/statuses/17, U1":                       "Kontis , U1",
		"Kontis x.example/u/anna U1":                                                "Kontis U1",
		"Kontis http://x.example:8080/profile/Anna. U1":                             "Kontis . U1",
		"Kontis https://me@x.example/user/17 U1":                                    "Kontis U1",
		"Kontis https://x.example/web/accounts/17 U1":                               "Kontis U1",
		"Kontis https://x.example/profiles/änne U1":                                 "Kontis U1",
		"Kontis https://x.example/users/_anna?a=b#c U1":                             "Kontis U1",
		"Kontis (https://x.example/users/anna) U1":                                  "Kontis U1",
		"U1 [Anna](https://x.example/users/anna) Kontis":                            "U1 Anna Kontis",
		"Kontis https://l.example/?u=https%3A%2F%2Fx.example%2F%40anna U1":          "Kontis U1",
		"Kontis https://l.example/?u=https%253A%252F%252Fx.example%252Fusers%252Fa": "Kontis ",
		"Kontis https://x.example/&#64;anna U1":                                     "Kontis U1",
		"Kontis https:／／x.example／users／anna U1":                                    "Kontis U1",
		"Kontis https://x.example/users/an\\_na U1":                                 "Kontis U1",
		"Kontis t.me/anna_k U1":                                                     "Kontis U1",
		"Kontis https://t.me/anna_k. U1":                                            "Kontis . U1",
		"Kontis „https://T.me/anna_k“ U1":                                           "Kontis „“ U1",
		"Kontis https://anna.t.me U1":                                               "Kontis U1",
		"Kontis https://telegram.me/anna_k U1":                                      "Kontis U1",
		"Kontis www.telegram.me/anna_k U1":                                          "Kontis U1",
		"Kontis tg://user?id=77 U1":                                                 "Kontis U1",
		"Kontis TG://resolve?domain=anna U1":                                        "Kontis U1",
		"Kontis tg:resolve?domain=anna U1":                                          "Kontis U1",
		"Kontis @anna:matrix.org U1":                                                "Kontis U1",
		"Kontis @anna:matrix.org, U1":                                               "Kontis , U1",
		"Kontis https://matrix.to/#/@anna:matrix.org U1":                            "Kontis U1",
		"Kontis https://matrix.to/#/%40anna%3Amatrix.org U1":                        "Kontis U1",
		"Kontis matrix:u/anna:matrix.org U1":                                        "Kontis U1",
		"Kontis @anna.bsky.social U1":                                               "Kontis U1",
		"Kontis anna＠example.org U1":                                                "Kontis U1",
		"Kontis anna﹫example.org U1":                                                "Kontis U1",
		"Kontis ａｎｎａ＠ｅｘａｍｐｌｅ．ｏｒｇ U1":                                                "Kontis U1",
		"Kontis ＠anna＠example.org U1":                                               "Kontis U1",
		"Kontis anna%40example.org U1":                                              "Kontis U1",
		"Kontis anna%2540example%2Eorg U1":                                          "Kontis U1",
		"Kontis anna&#64;example.org U1":                                            "Kontis U1",
		"Kontis anna&commat;example&period;org U1":                                  "Kontis U1",
		"Kontis anna\\@example.org U1":                                              "Kontis U1",
		"Kontis mailto:anna%40example.org U1":                                       "Kontis U1",
		"100%bert@example.org Kontis":                                               "Kontis",
		`Kontis "a b"@example.org U1`:                                               "Kontis U1",
		`Kontis mailto:"a b"@example.org U1`:                                        "Kontis U1",
		"Kontis https://wa.me/491701234567 U1":                                      "Kontis U1",
		"Kontis wa.me/491701234567?text=Hallo U1":                                   "Kontis U1",
		"Kontis https://api.whatsapp.com/send?phone=491701234567":                   "Kontis ",
		"Kontis https://signal.me/#p/+491701234567 U1":                              "Kontis U1",
		"Kontis sgnl://signal.me/#p/+491701234567 U1":                               "Kontis U1",
		"Kontis whatsapp://send?phone=491701234567 U1":                              "Kontis U1",
		"Kontis tel:+491701234567 U1":                                               "Kontis U1",
		"Kontis tel:0911-1234567, U1":                                               "Kontis , U1",
		"Kontis sms:01701234567?body=x U1":                                          "Kontis ?body=x U1",
		"Kontis sms:%2B491701234567 U1":                                             "Kontis U1",
		"Ruf +491701234567 an":                                                      "Ruf an",
		"Ruf +49 170 1234567 an":                                                    "Ruf an",
		"Ruf +49\u00a0170\u00a01234567 an":                                          "Ruf an",
		"Ruf +49 (0)170/123 45-67 an":                                               "Ruf an",
		"Ruf (+49) 170 1234567 an":                                                  "Ruf an",
		"Ruf +(49) 170 1234567 an":                                                  "Ruf an",
		"Ruf ＋４９ １７０ １２３４５６７ an":                                                    "Ruf an",
		"Tel.:0049 911 283-46 46.":                                                  "Tel.:.",
		"Ruf 00491701234567 an":                                                     "Ruf an",
		"Ruf +33 6 12 34 56 78 an":                                                  "Ruf an",
		"Ruf +49.170.1234567 an":                                                    "Ruf an",
		"+49 170 1234567 2 Kontis U1 15:30":                                         "2 Kontis U1 15:30",
		"U1 Plärrer +49 170 1234567 15:30 Uhr":                                      "U1 Plärrer 15:30 Uhr",
		"+45 12 34 56 78 2 Kontis":                                                  "2 Kontis",
		"+491701234567, +491701234568":                                              "",
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
		"Linie 100", "Linie 100 um 00:15 Uhr", "00:15 Uhr", "Bus 0049", "2 Kontis, U1, 15:30-16:00", "0911 1234567", "+2 Kontis",
		"+++ 2 Kontis +++", "U1+2+3 100 200 300 400", "000 000 000 000", "Wagen 500 0049 1", "26.11.2026 22:15", "2026-11-26 00:15:00",
		"Hauptstraße 100, 90402 Nürnberg", "+49.4521038", "+49.452103812, 11.076665312", "1.0049170123456", "Wagen 1000491701234567",
		"100%", "50% & mehr", "U1%40Pl%C3%A4rrer", "U1 ＠ Plärrer", "U1＠Plärrer", "＠Hbf 2 Kontis", "@Hbf: 2 Kontis", "@Hbf:Kontis.Richtung Fürth",
		"@Plärrer:kontis.richtung fürth", `"Hbf"@Plärrer`, `"Zug"@ 2`, "Tel: 2 Kontis", "Hotel:12345 Kontis", "tel:110", "tg: Kontis", "Stg:Kontis",
		"t.me", "https://t.me/", "wa.me ist unten", "Nutzt https://signal.org und https://telegram.org/apps",
		"https://zeitung.example/artikel/2026/11/kontrollen-in-der-u-bahn-nehmen-zu-1.4711?seite=2&x=%2Fabc",
		"https://zeitung.example/00491701234567", "https://zeitung.example/a+491701234567", "https://zeitung.example/nutzer/users",
		"https://zeitung.example/users/", "https://zeitung.example/users/?a=b", "www.vgn.example/linien/u1", "U1/U2/u/Plärrer", "U1/users/Plärrer",
		"https://chat.whatsapp.com/", "https://zeitung.example/t.me-erkl%C3%A4rt", "https://nott.me/abc", "https://t.me.example/abc",
	} {
		if got := scrub.People(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func FuzzPeople(f *testing.F) {
	for _, s := range []string{"a@b.de", "@a@b.de", "https://x/@a", "U1@Plärrer.Fahren", "<a@b.de>", "[x](mailto:a@b.de)", "\u202ba@b.de",
		"https://x.de/users/a", "t.me/a", "tg://user?id=7", "@a:b.de", "a＠b.de", "a%40b.de", "\"a b\"@b.de", "tel:+49 170 1234567", "&#64;%2540\\@", "100%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := scrub.People(text)
		if len(got) > len(text) || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%q became %q", text, got)
		}
		for _, person := range []string{"anna.von.riders@example.org", "anna.von.riders%40example.org", "https://x.example/users/anna.von.riders", "t.me/anna.von.riders"} {
			if got := scrub.People(text + " " + person); strings.Contains(got, "anna.von.riders") {
				t.Errorf("%q before %q: %q", text, person, got)
			}
		}
	})
}

func TestPeopleIsLinear(t *testing.T) {
	for _, part := range []string{"@", "a@", "a@b.", "/@a", "a@b.de", "://@a", "a@B.Xy", "ä@", "X", "/u/", "/u/u", "a.b/", "https://", "t.me/a ",
		":", "tg:", "tel:1", "@a:", "@a:b.de", "\"@", "\"a\"@b.de", "+", "+1", "001", "+49 170 1234567 ", "+1 ", "%40", "%2540", "&#64;", "&", "＠", "\\@", "\u200b"} {
		began := time.Now()
		scrub.People(strings.Repeat(part, 1<<18/len(part)))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("256 KiB of %q took %v", part, took)
		}
	}
}

func TestPeopleAllocatesNothingForOtherTexts(t *testing.T) {
	for _, text := range []string{"2 Kontis U1/U2 am Plärrer, Richtung Fürth um 00:15 Uhr, Linie 100", "U1 @Plärrer", strings.Repeat("X", 1<<10)} {
		if n := testing.AllocsPerRun(100, func() { scrub.People(text) }); n != 0 {
			t.Errorf("%v allocations for %q", n, text)
		}
	}
}
