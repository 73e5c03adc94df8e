package mailtext

import (
	"path/filepath"
	"strings"
	"testing"
)

// What a pattern's expression matches must begin with one of its starts: on
// other lines it is not tried.
func TestPatternStarts(t *testing.T) {
	patterns := map[string]pattern{
		"pgpBegin": pgpBegin, "pgpEnd": pgpEnd,
		"uuBegin": uuBegin, "uuEnd": uuEnd, "partHeader": partHeader, "delimiter": delimiter,
	}
	matched := map[string]bool{}
	check := func(line string) {
		for name, p := range patterns {
			want := p.Regexp.MatchString(line)
			if matched[name] = matched[name] || want; p.MatchString(line) != want {
				t.Errorf("%s on %q: %v, the expression says %v", name, line, !want, want)
			}
		}
	}
	for _, line := range []string{
		"", "-----Original Message-----", "-- Weitergeleitete Nachricht --", "Begin forwarded message:", "Anfang der weitergeleiteten E-Mail :",
		"Am 3. Mai schrieb N:", "On May 3 N wrote:", "Le 3 mai N a écrit :", "Il 3 N ha scritto:", "El 3 N escribió:",
		"Von: N", "From: N", "De : N", "*Von:* N", "Sent from my iPhone", "ſent from my iPhone", "Sent with X", "sent via X", "Get Outlook for iOS",
		"Get Outloo\u212a for iOS", "Von meinem Telefon gesendet", "Gesendet mit der App", "Geſendet mit der App", "Diese Nachricht wurde von meinem Telefon",
		"Hol Outlook", "Holen Sie sich Outlook", "Outlook für iOS beziehen", "Envoyé de mon iPhone", "Mobil gesendet", "__________",
		"-----BEGIN PGP MESSAGE-----", "-----END CERTIFICATE-----", "begin 644 a.jpg", "begin-base64 644 a.jpg", "=ybegin line=128", "end", "====", "=yend size=1",
		"Content-Type: text/plain", "MIME-Version: 1.0", "Mime-Verſion: 1.0", "--xyz--", "Ümlaut", "U1 Plärrer",
	} {
		for _, variant := range []string{line, " \t\f" + line + "\t ", strings.ToUpper(line), strings.ToLower(line)} {
			check(variant)
		}
	}
	for name := range patterns {
		if !matched[name] {
			t.Errorf("no line here is one of %s", name)
		}
	}
	for _, dir := range []string{"broken", "cases"} {
		for _, c := range readCases(t, filepath.Join("testdata", dir)) {
			for line := range strings.SplitSeq(string(c.raw), "\n") {
				check(line)
			}
		}
	}
}

func TestDropBlobs(t *testing.T) {
	long, same := strings.Repeat("QUJDREVG", 8), strings.Repeat("x", 60)
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "U1 Plärrer = 2", "U1 Plärrer = 2"},
		{"one character too short", long[:59] + " x", long[:59] + " x"},
		{"long words", "a " + long + "== b " + long + "=== c", "a   b  = c"},
		{"a link", "a https://x.example/a/" + long + "-_b?c=d e", "a   e"},
		{"a link in brackets", "a [b](https://x.example/a/" + long + "-_b) c", "a [b]  c"},
		{"a token", "a AB_cd-" + long + "-_b? c", "a  ? c"},
		{"of few letters", "a " + same + " b " + long, "a " + same + " b  "},
		{"an encoded word", "a =?x?B?QUJD?= b", "a   b"},
		{"a long encoded word", "a =?x?B?" + long + "?= b", "a   b"},
		{"the end of one is the beginning of another", long + "=?x?b?y?=", " ?x?b?y?="},
		{"few letters before an encoded word", same + "=?x?b?y?= z", same + "=?x?b?y?= z"},
		{"frames and long words", "=?x?b?y?= " + long + " =?x?q?y?=", "     "},
		{"a PGP block in one line", "a -----BEGIN PGP MESSAGE----- " + long + " -----END PGP MESSAGE----- b", "a       b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := dropBlobs(c.text); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
