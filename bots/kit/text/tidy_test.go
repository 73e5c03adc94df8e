package text_test

import (
	"testing"

	"ticketfrei/bots/kit/text"
)

func TestTidy(t *testing.T) {
	for s, want := range map[string]string{
		"":                                      "",
		" U1 \t Plärrer\r\n\n \nFürth ":         "U1 Plärrer\nFürth",
		"U1\u00a0\u2003Plärrer":                 "U1 Plärrer",
		"U1\x00\x1b[0mPlärrer\u0085x":           "U1 [0mPlärrer x",
		"👩\u200d🚒 قطار":                         "👩\u200d🚒 قطار",
		"U\u200b1\u200f\n\u2067\n\u00adPlärrer": "U1\nPlärrer",
	} {
		if got := text.Tidy(s); got != want {
			t.Errorf("Tidy(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestCalmLeavesNoMentionAndNoCommand(t *testing.T) {
	const joined, command = "@\u2060", "/\u2060"
	for s, want := range map[string]string{
		"@a":                  joined + "a",
		"@a@b.example und @ü": joined + "a@b.example und " + joined + "ü",
		"(@a),@b":             "(" + joined + "a)," + joined + "b",
		"ü@b @@c":             "ü" + joined + "b @" + joined + "c",
		"mail a@example.org":  "mail a@example.org",
		"a @ b":               "a @ b",
		"":                    "",

		// Links stay, but for what a server might read as a mention all the same.
		"https://x.example/@me/1?a=@b":    "https://x.example/@me/1?a=@b",
		"https://x.example/a,@me":         "https://x.example/a," + joined + "me",
		"https://x.example/@me @me":       "https://x.example/@me " + joined + "me",
		"x.example/@me":                   "x.example/" + joined + "me",
		"http://a.example/b (/stop) @c/d": "http://a.example/b (" + command + "stop) " + joined + "c/d",

		"/start":             command + "start",
		"Los: /stop@bot":     "Los: " + command + "stop@bot",
		"\n/U2, ./last":      "\n" + command + "U2, ." + command + "last",
		"U1/U2 Plärrer/Hbf":  "U1/U2 Plärrer/Hbf",
		"Straße/start 1/2":   "Straße/start 1/2",
		"U1 / U2 //a </b> ä": "U1 / U2 //a </b> ä",
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

func FuzzCalm(f *testing.F) {
	for _, s := range []string{"@a@b.example /stop", "https://x.example/@me,@b/c /d", "\xff@\u2060a@@b //c", "http://@a /_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := text.Calm(s)
		if !text.Same(got, s) {
			t.Errorf("%q became %q", s, got)
		}
		if again := text.Calm(got); again != got {
			t.Errorf("%q is calm, and becomes %q", got, again)
		}
	})
}
