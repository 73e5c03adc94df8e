package text_test

import (
	"testing"

	"ticketfrei/bots/kit/text"
)

func TestTidy(t *testing.T) {
	for s, want := range map[string]string{
		"":                              "",
		" U1 \t Plärrer\r\n\n \nFürth ": "U1 Plärrer\nFürth",
		"U1\u00a0\u2003Plärrer":         "U1 Plärrer",
		"U1\x00\x1b[0mPlärrer\u0085x":   "U1 [0mPlärrer x",
		"👩\u200d🚒 قطار":                 "👩\u200d🚒 قطار",
	} {
		if got := text.Tidy(s); got != want {
			t.Errorf("Tidy(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestCalmLeavesNoMention(t *testing.T) {
	const joined = "@\u2060"
	for s, want := range map[string]string{
		"@a":                    joined + "a",
		"@a@b.example und @ü":   joined + "a@b.example und " + joined + "ü",
		"(@a),@b":               "(" + joined + "a)," + joined + "b",
		"ü@b @@c":               "ü" + joined + "b @" + joined + "c",
		"mail a@example.org":    "mail a@example.org",
		"a @ b":                 "a @ b",
		"https://x.example/@me": "https://x.example/" + joined + "me",
	} {
		got := text.Calm(s)
		if got != want {
			t.Errorf("Calm(%q) = %q, want %q", s, got, want)
		}
		if !text.Same(got, s) {
			t.Errorf("%q does not read as %q", got, s)
		}
	}
}

func TestSame(t *testing.T) {
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"equal":               {"U1 Plärrer", "U1 Plärrer", true},
		"spaced otherwise":    {"U1\nPlärrer ", " U1  Plärrer", true},
		"what cannot be seen": {"@\u2060a\u00ad", "@a", true},
		"another word":        {"U1", "U2", false},
		"another case":        {"u1", "U1", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := text.Same(tt.a, tt.b); got != tt.want {
				t.Errorf("Same(%q, %q) = %v", tt.a, tt.b, got)
			}
		})
	}
}
