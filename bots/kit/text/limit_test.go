package text_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots/kit/text"
)

func TestFit(t *testing.T) {
	long := "https://example.org/" + strings.Repeat("x", 60)
	const family, flags, officer = "👩\u200d👩\u200d👧", "🇩🇪🇫🇷", "👮🏽"
	tests := map[string]struct {
		text  string
		limit text.Limit
		want  string
	}{
		"fits":                            {"U1 Plärrer", text.Runes(10), "U1 Plärrer"},
		"nothing":                         {" \n", text.Runes(10), ""},
		"at a word":                       {"U1 Plärrer Richtung Fürth", text.Runes(15), "U1 Plärrer…"},
		"word ends at the limit":          {"U1 Plärrer Richtung", text.Runes(11), "U1 Plärrer…"},
		"word begins at the limit":        {"U1 Plärrer Richtung", text.Runes(12), "U1 Plärrer…"},
		"one long word":                   {"Donaudampfschifffahrt", text.Runes(10), "Donaudamp…"},
		"more than half is not lost":      {"U1 Donaudampfschifffahrt", text.Runes(20), "U1 Donaudampfschiff…"},
		"line breaks stay":                {"U1\nPlärrer", text.Runes(10), "U1\nPlärrer"},
		"cut at a line break":             {"U1 Hbf\nPlärrer", text.Runes(10), "U1 Hbf…"},
		"space around does not count":     {"  U1  ", text.UTF16(2), "U1"},
		"invalid bytes":                   {"U1 \xff\xfe Hbf", text.Runes(20), "U1 \uFFFD Hbf"},
		"only the ellipsis":               {"Plärrer", text.Runes(1), "…"},
		"no room at all":                  {"Plärrer", text.Runes(0), ""},
		"less room than none":             {"Plärrer", text.Runes(-5), ""},
		"no room for the ellipsis":        {"Plärrer", text.Bytes(2), ""},
		"right to left":                   {"قطار الأنفاق في المحطة", text.Runes(14), "قطار الأنفاق…"},
		"one that counts UTF-16":          {"👮👮👮", text.UTF16(6), "👮👮👮"},
		"never half a surrogate pair":     {"👮👮👮", text.UTF16(5), "👮👮…"},
		"bytes":                           {"Plärrer", text.Bytes(8), "Plärrer"},
		"never half of a character":       {"Äöüß", text.Bytes(6), "Ä…"},
		"a combining mark stays":          {"abcdefge\u0301xx", text.Runes(9), "abcdefg…"},
		"an emoji's skin stays":           {officer + officer, text.UTF16(6), officer + "…"},
		"a family stays":                  {"abcdef" + family + "g", text.UTF16(10), "abcdef…"},
		"a whole family":                  {family + family, text.UTF16(9), family + "…"},
		"a flag stays":                    {"ab" + flags + "c", text.Runes(6), "ab🇩🇪…"},
		"a variation selector stays":      {"ab❤\ufe0fxx", text.Runes(4), "ab…"},
		"a keycap stays":                  {"ab1\ufe0f\u20e3xx", text.Runes(5), "ab…"},
		"a Korean syllable stays":         {"ab\u1112\u1161\u11abxx", text.Runes(5), "ab…"},
		"a link counts 23":                {"Hbf " + long, text.Runes(27).Links(23), "Hbf " + long},
		"a short link counts 23":          {"Hbf http://a.b", text.Runes(26).Links(23), "Hbf…"},
		"no half link":                    {"Am Hauptbahnhof " + long, text.Runes(30).Links(23), "Am Hauptbahnhof…"},
		"no half link, however short":     {"U1 " + long, text.Runes(20).Links(23), "U1…"},
		"a link ends at any white space":  {"https://a.example\u00a0Hauptbahnhof", text.Runes(30).Links(23), "https://a.example…"},
		"a link that counts in full":      {"Hauptbahnhof " + long, text.Runes(30), "Hauptbahnhof https://example.…"},
		"a link within a joined sequence": {"U1 👩\u200dhttps://example.org/xxxxxxxxxxxxxxxx", text.Runes(28).Links(23), "U1 👩\u200dhttps://example.org/xxxxxxxxxxxxxxxx"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.limit.Fit(tt.text); got != tt.want {
				t.Errorf("Fit(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	tests := map[string]struct {
		text  string
		limit text.Limit
		want  []string
	}{
		"fits":                      {"U1 Plärrer", text.Runes(10), []string{"U1 Plärrer"}},
		"no limit":                  {"U1 Plärrer", text.Limit{}, []string{"U1 Plärrer"}},
		"nothing":                   {" \n", text.Runes(10), nil},
		"at a word":                 {"U1 Plärrer Fürth", text.Runes(12), []string{"U1 Plärrer", "Fürth"}},
		"word ends at the limit":    {"U1 Plärrer Fürth", text.Runes(10), []string{"U1 Plärrer", "Fürth"}},
		"at a line":                 {"U1 Hbf\n\nU2 Plärrer", text.Runes(12), []string{"U1 Hbf", "U2 Plärrer"}},
		"not at a line so early":    {"U1\nPlärrer Hbf", text.Runes(12), []string{"U1\nPlärrer", "Hbf"}},
		"line ends at the limit":    {"U1 Hbf\nU2", text.Runes(6), []string{"U1 Hbf", "U2"}},
		"a long word begins a part": {"U1 Donaudampf", text.Runes(10), []string{"U1", "Donaudampf"}},
		"a word that is too long":   {"Donaudampfschiff", text.Runes(10), []string{"Donaudampf", "schiff"}},
		"no more than three":        {"aa bb cc dd ee", text.Runes(3), []string{"aa", "bb", "cc…"}},
		"no room at all":            {"U1", text.Runes(0), nil},
		"no room for a character":   {"👮👮", text.Bytes(3), []string{"…"}},
		"no half link":              {"Hbf https://example.org/xxxxx Fürth", text.Runes(26).Links(23), []string{"Hbf", "https://example.org/xxxxx", "Fürth"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.limit.Split(tt.text, 3)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("U1 Plärrer\n\nhttps://example.org 👩\u200d👩\u200d👧", 30)
	f.Add("a b c d e f g", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		limit := text.UTF16(n)
		parts := limit.Split(s, len(s)+1)
		for _, p := range parts {
			if limit.Len(p) > n || p != strings.TrimSpace(p) || p == "" {
				t.Errorf("part %q of %q in %d", p, s, n)
			}
		}
		whole := func(s string) string { return strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), "") }
		if got := strings.Join(parts, ""); n > 0 && !strings.HasSuffix(got, "…") && whole(got) != whole(s) {
			t.Errorf("%q became %q", s, parts)
		}
	})
}

func TestLen(t *testing.T) {
	const s = "ä👮🏽 https://example.org/and/more/of/it <https://a.b>"
	tests := map[string]struct {
		limit text.Limit
		want  int
	}{
		"runes":       {text.Runes(9), utf8.RuneCountInString(s)},
		"UTF-16":      {text.UTF16(9), len(utf16.Encode([]rune(s)))},
		"bytes":       {text.Bytes(9), len(s)},
		"links as 23": {text.Runes(9).Links(23), 4 + 23 + 2 + 23 + 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.limit.Len(s); got != tt.want {
				t.Errorf("Len = %d, want %d", got, tt.want)
			}
		})
	}
}

// What nobody sane writes must not keep the program busy, nor get through.
func TestFitOfHugeTexts(t *testing.T) {
	const n = 1 << 18
	for name, s := range map[string]string{
		"one word":               strings.Repeat("x", n),
		"words":                  strings.Repeat("ab ", n),
		"marks":                  "e" + strings.Repeat("\u0301", n),
		"joiners":                strings.Repeat("👩\u200d", n),
		"flags":                  strings.Repeat("🇩", n),
		"one link":               "https://" + strings.Repeat("x", n),
		"links":                  strings.Repeat("https://x ", n/8),
		"nothing but begun":      strings.Repeat("http", n/2),
		"bytes that are no text": strings.Repeat("\xff", n),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			for _, limit := range []text.Limit{text.Runes(500), text.UTF16(500), text.Bytes(500), text.Runes(500).Links(23)} {
				if got := limit.Fit(s); limit.Len(got) > 500 || !utf8.ValidString(got) {
					t.Errorf("too long: %d", limit.Len(got))
				}
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func FuzzFit(f *testing.F) {
	for _, s := range []string{"U1 Plärrer https://example.org/x Fürth", "\u200d\u0301@a@b", "👩\u200d👩\u200d👧 👮🏽", "🇩🇪🇫🇷", "\xff\u0600http://a"} {
		f.Add(s, 7)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(0, n) % 5000
		whole := strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
		for _, limit := range []text.Limit{text.Runes(n), text.UTF16(n), text.Bytes(n), text.Runes(n).Links(23)} {
			got := limit.Fit(s)
			if limit.Len(got) > n || !utf8.ValidString(got) {
				t.Errorf("%+v: Fit(%q) = %q of length %d", limit, s, got, limit.Len(got))
			}
			kept, cut := strings.CutSuffix(got, "…")
			if got != whole && got != "" && (!cut || !strings.HasPrefix(whole, kept)) {
				t.Errorf("%+v: Fit(%q) = %q, which does not begin it", limit, s, got)
			}
			if limit.Len(whole) <= n && got != whole {
				t.Errorf("%+v: Fit(%q) = %q, though it fits", limit, s, got)
			}
			if cut && got != whole {
				checkCut(t, whole, len(kept))
			}
		}
	})
}

// checkCut looks at what stands right after the place where a text was cut.
func checkCut(t *testing.T, whole string, end int) {
	t.Helper()
	before, _ := utf8.DecodeLastRuneInString(whole[:end])
	after, _ := utf8.DecodeRuneInString(whole[end:])
	if unicode.IsControl(before) || unicode.Is(unicode.Cf, before) || end == 0 {
		return // nothing is joined to these
	}
	if unicode.In(after, unicode.Mn, unicode.Me) || after == '\u200d' || after >= 0x1f3fb && after <= 0x1f3ff {
		t.Errorf("%q is cut before %U", whole, after)
	}
}

func TestZeroLimitIsNone(t *testing.T) {
	long := strings.Repeat("Plärrer ", 10_000)
	if got, want := (text.Limit{}).Fit(long), strings.TrimSpace(long); got != want {
		t.Errorf("%d bytes are left of %d", len(got), len(want))
	}
}
