package censor

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNormalize(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"ASCII", "  U1 Plärrer\r\n\t2 KONTIS  ", "u1 plärrer 2 kontis"},
		{"only white space", " \t\n\u00a0\u2003", ""},
		{"only invisible", "\u200b\u200d\ufeff\u00ad", ""},
		{"umlauts", "ÄÖÜ äöü", "äöü äöü"},
		{"separate accents", "a\u0308 U\u0308", "ä ü"},
		{"sharp s", "Straße STRASSE STRAẞE", "strasse strasse strasse"},
		{"Turkish", "İSTANBUL ıstanbul", "istanbul istanbul"},
		{"Greek final sigma", "ΟΔΟΣ οδος", "οδοσ οδοσ"},
		{"Cyrillic", "МЕТРО", "метро"},
		{"fullwidth", "Ｕ１　Ｋｏｎｔｉ", "u1 konti"},
		{"ligature", "ﬁnden", "finden"},
		{"letters in circles and maths", "Ⓚ𝐨𝓷𝔱𝕚", "konti"},
		{"zero-width characters", "ko\u200bn\u200ct\u200di\ufeffs", "kontis"},
		{"soft hyphen", "Kon\u00adtrolleur", "kontrolleur"},
		{"bidi controls", "\u202ekon\u2066ti\u2069", "konti"},
		{"control characters", "ko\x00n\x1bti\x7f", "konti"},
		{"variation selector", "⚠\ufe0f U1 ⚠️", "⚠ u1 ⚠"},
		{"accents over everything", "k\u0336o\u0336n\u0336t\u0336i\u0336", "konti"},
		{"Hangul filler", "ko\u3164nti", "konti"},
		{"emoji", "🚇 U1 👮‍♀️", "🚇 u1 👮♀"},
		{"ellipsis", "U1…", "u1..."},
		{"no-break space", "U\u00a01\u202f2", "u 1 2"},
		{"not UTF-8", "U1 \xff", "u1 \ufffd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Normalize(tt.text); got != tt.want {
				t.Errorf("Normalize(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

// slowNormalize is Normalize without its fast path.
func slowNormalize(text string) string { return collapse(fold(text), true) }

// TestNormalizeEveryCharacter compares both paths for every character, alone
// and within a word, and checks that normalizing twice changes nothing. It
// leaves out the many characters of East Asia that are treated alike.
func TestNormalizeEveryCharacter(t *testing.T) {
	t.Parallel()
	common := 0
	for r := rune(0); r < 0xe0200; r++ {
		switch r {
		case 0x3400:
			r = 0xd700
		case 0x20000:
			r = 0xe0000
		}
		if !utf8.ValidRune(r) {
			continue
		}
		for _, text := range []string{string(r), "A " + string(r) + "E"} {
			slow := slowNormalize(text)
			if again := slowNormalize(slow); again != slow {
				t.Errorf("%q (%U): once %q, twice %q", text, r, slow, again)
			}
			fast, ok := normalizeCommon(text)
			if !ok {
				continue
			}
			common++
			if fast != slow {
				t.Errorf("%q (%U): fast %q, slow %q", text, r, fast, slow)
			}
		}
	}
	if common < 2*500 {
		t.Errorf("only %d texts take the fast path", common)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"U1 Plärrer", "ＳＴＲＡẞＥ\u0301", "İ\u0307\u0307ı", "\u1fb3\u0345", "a \u0308b\u00b4", strings.Repeat("\u0308", 40), "\u3131\u1160", "👮‍♀️…"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Normalize(text)
		if slow := slowNormalize(text); got != slow {
			t.Errorf("Normalize(%q) = %q, slowly %q", text, got, slow)
		}
		if again := Normalize(got); again != got {
			t.Errorf("Normalize(%q) = %q, again %q", text, got, again)
		}
		if !utf8.ValidString(got) || strings.Contains(got, "  ") || strings.TrimSpace(got) != got {
			t.Errorf("Normalize(%q) = %q", text, got)
		}
	})
}
