package scrub_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ticketfrei/internal/scrub"
	"ticketfrei/internal/secret"
)

const (
	web    = "https://tickets.example.org:8443"
	report = "U1 Plärrer 2 Kontis"
)

// former is the path of a link of an earlier version, about "5 rider@example.org".
const former = "/city/nuernberg/mail/unsubscribe/yaBoFjGl4ZuDyyQcw72jcgAAAAAAAAAANSByaWRlckBleGFtcGxlLm9yZw"

func mustBox(tb testing.TB) *secret.Box {
	tb.Helper()
	box, err := secret.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return box
}

// percent writes s with every byte encoded.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// every puts sep after every n bytes of s.
func every(s string, n int, sep string) string {
	var parts []string
	for ; len(s) > n; s = s[n:] {
		parts = append(parts, s[:n])
	}
	return strings.Join(append(parts, s), sep)
}

// spellings are ways in which a link stands in a text.
var spellings = []struct {
	name  string
	write func(link, token string) string
}{
	{"as it is", func(l, _ string) string { return l }},
	{"http", func(l, _ string) string { return strings.Replace(l, "https:", "http:", 1) }},
	{"another port", func(l, _ string) string { return strings.Replace(l, ":8443", ":443", 1) }},
	{"no port", func(l, _ string) string { return strings.Replace(l, ":8443", "", 1) }},
	{"no scheme", func(l, _ string) string { return strings.TrimPrefix(l, "https://") }},
	{"no scheme but slashes", func(l, _ string) string { return strings.TrimPrefix(l, "https:") }},
	{"no scheme and www", func(l, _ string) string { return "www." + strings.TrimPrefix(l, "https://") }},
	{"scheme in capitals", func(l, _ string) string { return strings.Replace(l, "https", "HTTPS", 1) }},
	{"host in capitals", func(l, _ string) string { return strings.Replace(l, "tickets.example.org", "TICKETS.Example.ORG", 1) }},
	{"dot after the host", func(l, _ string) string { return strings.Replace(l, ".org:", ".org.:", 1) }},
	{"user before the host", func(l, _ string) string { return strings.Replace(l, "//", "//me@", 1) }},
	{"two slashes", func(l, t string) string { return strings.Replace(l, "/"+t, "//"+t, 1) }},
	{"dots in the path", func(l, _ string) string { return strings.Replace(l, "/city", "/./city/../city", 1) }},
	{"query", func(l, _ string) string { return l + "?utm_source=mail&utm_medium=x" }},
	{"fragment", func(l, _ string) string { return l + "#top" }},
	{"full stop after it", func(l, _ string) string { return l + "." }},
	{"slashes encoded", func(l, t string) string { return strings.ReplaceAll(l, "/", "%2F") }},
	{"slashes encoded in small letters", func(l, t string) string { return strings.ReplaceAll(l, "/", "%2f") }},
	{"encoded", func(l, _ string) string { return url.QueryEscape(l) }},
	{"encoded twice", func(l, _ string) string { return url.QueryEscape(url.QueryEscape(l)) }},
	{"encoded three times", func(l, _ string) string { return url.QueryEscape(url.QueryEscape(url.QueryEscape(l))) }},
	{"every byte encoded", func(l, _ string) string { return percent(l) }},
	{"the token encoded", func(l, t string) string { return strings.Replace(l, t, percent(t), 1) }},
	{"dot of the host encoded", func(l, _ string) string { return strings.Replace(l, "tickets.", "tickets%2E", 1) }},
	{"markdown", func(l, _ string) string { return "[](" + l + ")" }},
	{"markdown with a title", func(l, _ string) string { return "[](" + l + ` "Abmelden")` }},
	{"markdown of itself", func(l, _ string) string { return "[" + l + "](" + l + ")" }},
	{"markdown, slanted", func(l, _ string) string { return "_" + l + "_" }},
	{"markdown, bold", func(l, _ string) string { return "**" + l + "**" }},
	{"markdown, backslashes", func(l, _ string) string {
		return strings.NewReplacer("_", `\_`, "-", `\-`, ".", `\.`).Replace(l)
	}},
	{"code", func(l, _ string) string { return "`" + l + "`" }},
	{"angle brackets", func(l, _ string) string { return "<" + l + ">" }},
	{"brackets", func(l, _ string) string { return "(" + l + ")" }},
	{"square brackets", func(l, _ string) string { return "[" + l + "]" }},
	{"German quotes", func(l, _ string) string { return "„" + l + "“" }},
	{"soft breaks", func(l, _ string) string { return every(l, 75, "=\r\n") }},
	{"soft breaks of short lines", func(l, _ string) string { return every(l, 20, "=\n") }},
	{"line breaks", func(l, _ string) string { return every(l, 72, "\n") }},
	{"line breaks in the path", func(l, _ string) string { return strings.Replace(l, "/mail/", "/mail/\n", 1) }},
	{"line break before the token", func(l, t string) string { return strings.Replace(l, t, "\r\n"+t, 1) }},
	{"quoted", func(l, _ string) string { return "> " + l }},
	{"quoted and broken", func(l, _ string) string { return "> " + every(l, 60, "\n> ") }},
	{"quoted twice and broken", func(l, _ string) string { return ">> " + every(l, 60, "\n>> ") }},
	{"in angle brackets and broken", func(l, _ string) string { return "<" + every(l, 70, "\n") + ">" }},
	{"entities", func(l, _ string) string { return html.EscapeString(l + "?a=1&b=2") }},
	{"slashes as entities", func(l, _ string) string { return strings.ReplaceAll(l, "/", "&#47;") }},
	{"slashes as hexadecimal entities", func(l, _ string) string { return strings.ReplaceAll(l, "/", "&#x2F;") }},
	{"slashes as named entities", func(l, _ string) string { return strings.ReplaceAll(l, "/", "&sol;") }},
	{"entities twice", func(l, _ string) string { return strings.ReplaceAll(l, "/", "&amp;#47;") }},
	{"zero width spaces", func(l, _ string) string { return every(l, 5, "\u200b") }},
	{"zero width joiners", func(l, _ string) string { return every(l, 1, "\u200d") }},
	{"soft hyphens", func(l, _ string) string { return every(l, 10, "\u00ad") }},
	{"right to left marks", func(l, _ string) string { return "\u202b" + every(l, 30, "\u200f") + "\u202c" }},
	{"entities that cannot be seen", func(l, _ string) string { return every(l, 10, "&#8203;") }},
	{"full width", func(l, _ string) string { return strings.Map(wide, l) }},
	{"ideographic full stops", func(l, _ string) string { return strings.ReplaceAll(l, ".", "。") }},
	{"redirect", func(l, _ string) string { return "https://l.example/?u=" + url.QueryEscape(l) + "&h=AT0abc" }},
	{"redirect, not encoded", func(l, _ string) string { return "https://l.example/?u=" + l + "&h=AT0abc" }},
	{"redirect, encoded twice", func(l, _ string) string {
		return "https://a.example/x?u=" + url.QueryEscape("https://l.example/?u="+url.QueryEscape(l))
	}},
	{"redirect that names no host", func(_, t string) string { return "https://l.example/unsubscribe/" + t + "/x" }},
	{"redirect with underscores", func(l, _ string) string { return "https://urldefense.example/v3/__" + l + "__;!!abc!def$" }},
	{"redirect that is broken", func(l, _ string) string {
		return every("https://l.example/?u="+url.QueryEscape(l)+"&h=AT0abc", 76, "=\n")
	}},
	{"by number", func(l, _ string) string { return strings.Replace(l, "tickets.example.org", "192.0.2.7", 1) }},
	{"by another name", func(l, _ string) string { return strings.Replace(l, "tickets.example.org", "old.example.net", 1) }},
	{"only the token", func(_, t string) string { return t }},
	{"only the token, broken", func(_, t string) string { return every(t, 40, "\n") }},
	{"only the token, slanted", func(_, t string) string { return "_" + t + "_" }},
	{"only the token, in quotes", func(_, t string) string { return `"` + t + `"` }},
	{"only the path", func(l, _ string) string { return strings.TrimPrefix(l, web) }},
	{"twice", func(l, _ string) string { return l + " " + l }},
	{"twice without a blank", func(l, _ string) string { return l + "," + l }},
	{"a thousand long words before it", func(l, _ string) string { return strings.Repeat("a-", 1000) + " " + l }},
}

// wide writes ASCII in full width.
func wide(r rune) rune {
	if '!' <= r && r <= '~' {
		return r + 'ａ' - 'a'
	}
	return r
}

func TestStripLinksOfAllSpellings(t *testing.T) {
	box := mustBox(t)
	links := scrub.NewLinks(web, box)
	sealed := box.Sign("mail.unsubscribe", "1 anna@riders.example", time.Time{})
	paths := map[string]string{
		"sealed": "/city/nuernberg/mail/unsubscribe/" + sealed,
		"long":   "/city/nuernberg/mail/confirm/" + box.Sign("mail.confirm", "1 "+strings.Repeat("anna", 20)+"@riders.example", time.Now()),
		"former": former,
	}
	for kind, path := range paths {
		token := path[strings.LastIndexByte(path, '/')+1:]
		for _, tt := range spellings {
			for where, text := range map[string]string{
				"alone":  "%s",
				"middle": report + " %s Richtung Fürth",
				"lines":  report + "\n%s\nRichtung Fürth",
			} {
				t.Run(kind+"/"+tt.name+"/"+where, func(t *testing.T) {
					text := strings.Replace(text, "%s", tt.write(web+path, token), 1)
					got := links.Strip(text)
					if shows(got, token) {
						t.Fatalf("%q\nbecame %q", text, got)
					}
					if where == "alone" {
						if got != "" && !strings.HasPrefix(got, "a-a-") {
							t.Errorf("of %q is left %q", text, got)
						}
						return
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

// shows tells whether a text still holds a part of the token.
func shows(text, token string) bool {
	plain := text
	for range 4 {
		plain = html.UnescapeString(plain)
		if s, err := url.PathUnescape(plain); err == nil {
			plain = s
		}
	}
	plain = strings.NewReplacer("\n", "", "\r", "", "=", "", ">", "", " ", "", `\`, "", "\u200b", "", "\u200d", "", "\u200f", "", "\u00ad", "").Replace(plain)
	for at := 0; at+16 <= len(token); at += 8 {
		if strings.Contains(plain, token[at:at+16]) {
			return true
		}
	}
	return false
}

func TestStripHostsInEveryScript(t *testing.T) {
	box := mustBox(t)
	token := "not-a-token-of-ours"
	for _, web := range []string{"https://fahrkarten-nürnberg.example", "https://xn--fahrkarten-nrnberg-x6b.example", "http://FAHRKARTEN-NÜRNBERG.example"} {
		links := scrub.NewLinks(web, box)
		for _, host := range []string{"fahrkarten-nürnberg.example", "Fahrkarten-NÜRNBERG.example", "xn--fahrkarten-nrnberg-x6b.example",
			"XN--FAHRKARTEN-NRNBERG-X6B.EXAMPLE", "fahrkarten-n%C3%BCrnberg.example"} {
			text := report + " https://" + host + "/confirm/" + token
			if got := strings.TrimSpace(links.Strip(text)); got != report {
				t.Errorf("%s: %q became %q", web, text, got)
			}
		}
	}
}

func TestStripLeavesOtherTexts(t *testing.T) {
	box := mustBox(t)
	links := scrub.NewLinks(web, box)
	other, err := secret.New(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"",
		report,
		"2 Kontis U1 @ Plärrer, 50% Rabatt & mehr",
		strings.Repeat("Straßenbahnhaltestelle Donaudampfschifffahrtsgesellschaft ", 50),
		"Kontis\nam\nPlärrer\n\nund am Hauptbahnhof, Richtung Langwasser Süd, zwei Personen in Zivil",
		"Straßenbahnhaltestelle\nHauptbahnhofsvorplatz\nKontrolleurinnen",
		"Seht " + web + "/city/nuernberg und " + web + "/city/nuernberg/mail für mehr",
		web + "/city/nuernberg#report-" + other.Hash("x") + other.Hash("y") + " ist richtig",
		web + "/password und " + web + "/register",
		"https://zeitung.example/artikel/2026/11/kontrollen-in-der-u-bahn-nehmen-zu-1.4711?seite=2&x=%2Fabc",
		"https://karte.example/" + other.Sign("mail.unsubscribe", "5", time.Time{}),
		"https://nottickets.example.org/confirm/abc und https://tickets.example.org-x.example/confirm/abc",
		"地铁一号线有查票员在火车站附近请大家注意安全地铁一号线有查票员在火车站附近请大家注意安全",
		"مفتشون في محطة القطار الرئيسية باتجاه المدينة",
		hex.EncodeToString(bytes.Repeat([]byte{0xab, 0xcd}, 40)),
		strings.Repeat("Ha", 500),
		strings.Repeat("\n> ", 500) + "Kontis",
	} {
		if got := links.Strip(text); got != text {
			t.Errorf("%q\nbecame %q", text, got)
		}
	}
}

func TestStripKeepsTheRest(t *testing.T) {
	box := mustBox(t)
	links := scrub.NewLinks(web, box)
	token := box.Sign("register", "17", time.Now())
	link := web + "/confirm/" + token
	for text, want := range map[string]string{
		"U1 [Plärrer](LINK) 2 Kontis":                       "U1 Plärrer 2 Kontis",
		"U1 Plärrer\nLINK\n2 Kontis":                        "U1 Plärrer\n2 Kontis",
		"U1 Plärrer LINK 2 Kontis":                          "U1 Plärrer 2 Kontis",
		"LINK U1 Plärrer":                                   "U1 Plärrer",
		"U1 Plärrer,LINK,2 Kontis":                          "U1 Plärrer,,2 Kontis",
		"U1 PlärrerTOKEN":                                   "U1 Plärrer",
		"U1 PlärrerLINK":                                    "U1 Plärrer",
		"Kontis (LINK) am Plärrer":                          "Kontis am Plärrer",
		"U1 Plärrer LINK\nbitte kommen":                     "U1 Plärrer \nbitte kommen",
		"U1 Plärrer LINK\nhttps://zeitung.example/a kommen": "U1 Plärrer \nhttps://zeitung.example/a kommen",
		"https://zeitung.example/a\nLINK\nkommen":           "https://zeitung.example/a\nkommen",
		"U1/U2 LINK LINK":                                   "U1/U2 ",
		"> LINK\n>\n":                                       "",
		"👮 LINK":                                            "👮 ",
		"- LINK -":                                          "",
	} {
		if got := links.Strip(strings.NewReplacer("LINK", link, "TOKEN", token).Replace(text)); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// The word after a link stays, whatever page the link leads to and whatever letters its
// token has.
func TestStripKeepsTheWordAfter(t *testing.T) {
	box := mustBox(t)
	links := scrub.NewLinks(web, box)
	host := strings.TrimPrefix(web, "https://")
	for i := range 500 {
		token := box.Sign("page", "1 victim@riders.example", time.Unix(int64(i), 0))
		for _, page := range []string{"confirm", "often", "new-page"} {
			text := "Kontis\n" + host + "/city/nuernberg/mail/" + page + "/" + token + "\nRichtung Fürth"
			if got := links.Strip(text); got != "Kontis\nRichtung Fürth" {
				t.Fatalf("%q became %q", text, got)
			}
		}
	}
}

// A token that a program has cut with blanks goes as a whole.
func TestStripWhatIsCutWithBlanks(t *testing.T) {
	box := mustBox(t)
	links := scrub.NewLinks(web, box)
	for i := range 50 {
		token := box.Sign("mail.unsubscribe", fmt.Sprint(i, " anna@riders.example"), time.Time{})
		link := web + "/city/nuernberg/mail/unsubscribe/" + token
		at := len(link) - len(token) + 30
		for _, cut := range []string{" ", "\u00a0", "\t", " \n", "\n\n", "\n \n> ", "  "} {
			for _, text := range []string{link[:at] + cut + link[at:], every(link, 70, cut), link[:at-20] + cut + link[at-20:]} {
				text = report + "\n" + text + "\nRichtung Fürth"
				got := links.Strip(text)
				if shows(got, token) || !strings.HasPrefix(got, report) || !strings.HasSuffix(got, "Richtung Fürth") {
					t.Fatalf("%q\nbecame %q", text, got)
				}
			}
		}
	}
}

// A % before a token is not decoded with its first letters, so that its mark is lost.
func TestStripAfterPercent(t *testing.T) {
	box := mustBox(t)
	links := scrub.NewLinks(web, box)
	for i := range 200 {
		token := box.Sign("mail.unsubscribe", fmt.Sprint(i, " anna@riders.example"), time.Time{})
		for _, before := range []string{"%", "%2", "100%", "%%", "%25", "%252", "%25252", "％", "％2", "&#37;", "&percnt;2", "%\u200b", "%2\u200b", "\\%", "%4\u00ad"} {
			got := links.Strip(report + " " + before + token + " Richtung Fürth")
			if shows(got, token) || !strings.HasPrefix(got, report) || !strings.HasSuffix(got, "Richtung Fürth") {
				t.Fatalf("%q before %q: %q", before, token, got)
			}
		}
	}
}

// Links to a report, which hold no token, stay also where they are encoded.
func TestStripLeavesEncodedLinks(t *testing.T) {
	box := mustBox(t)
	link := web + "/city/nuernberg#report-" + box.Hash("x") + box.Hash("y")
	for range 3 {
		link = url.QueryEscape(link)
		if got := scrub.NewLinks(web, box).Strip(link); got != link {
			t.Errorf("%q became %q", link, got)
		}
	}
}

func TestStripTakesLongWhereNothingIsAllocated(t *testing.T) {
	links := scrub.NewLinks(web, mustBox(t))
	text := strings.Repeat(report+" Richtung Fürth\n", 100)
	if n := testing.AllocsPerRun(100, func() { links.Strip(text) }); n != 0 {
		t.Errorf("%v allocations for a text without links", n)
	}
}

// What takes long for a text takes twice as long for one of twice the length.
func TestStripIsLinear(t *testing.T) {
	links := scrub.NewLinks(web, mustBox(t))
	for _, part := range []string{"a", "-", "&", "%25", "a\n", "tickets.example.org/", "tickets.example.org/confirm/", "[](", "tickets.example.org/confirm/x/" + strings.Repeat("a\n", 1<<16), "https://a\n", "=\n", "\\_", "&#8203;"} {
		began := time.Now()
		links.Strip(strings.Repeat(part, 1<<18/len(part)))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("256 KiB of %q took %v", part, took)
		}
	}
}

func FuzzStrip(f *testing.F) {
	box := mustBox(f)
	links := scrub.NewLinks(web, box)
	token := box.Sign("mail.unsubscribe", "1 anna@riders.example", time.Time{})
	f.Add("", "")
	f.Add(report+"\n", "\n> x")
	f.Add("https://l.example/?u=", "&h=1")
	f.Add("[a](", ")")
	f.Add("&", ";%2F=\n")
	for _, tt := range spellings {
		f.Add(tt.write(web+former, "t"), tt.write(web+"/confirm/"+token, token))
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		got := links.Strip(before + " " + web + "/confirm/" + token + " " + after)
		if strings.Contains(got, token[:32]) {
			t.Errorf("%q", got)
		}
		if got := links.Strip("100%" + token + " " + after); strings.Contains(got, token[:32]) {
			t.Errorf("%q", got)
		}
		text := before + after
		if got := links.Strip(text); len(got) > len(text) || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
