package scrub_test

import (
	"testing"
	"unicode/utf8"

	"ticketfrei/internal/scrub"
)

func TestInvisible(t *testing.T) {
	for s, want := range map[string]string{
		"U1 Plärrer":                           "U1 Plärrer",
		"U\u200b1 Pl\u00adär\u2060rer":         "U1 Plärrer",
		"\ufeffU1":                             "U1",
		"\u202eU1\u202c \u2067Hbf\u2069":       "U1 Hbf",
		"\u200eU1\u200f \u061c":                "U1 ",
		"U1\u200d Hbf\u200c":                   "U1 Hbf",
		"U\u034f1\u3164":                       "U1",
		"U1\U000e0041\U000e007f":               "U1",
		"U\ufe0f1\ufe0e Hb\U000e0101f\u115f":   "U1 Hbf",
		"🚋\ufe0f\U000e0101\U000e0102 \ufe0fU1": "🚋\ufe0f U1",
		// What scripts need.
		"葛\U000e0100飾":             "葛\U000e0100飾",
		"می\u200cخواهم":            "می\u200cخواهم",
		"می\u200c\u200dخواهم":      "می\u200cخواهم",
		"ه\u200d ش":                "ه\u200d ش",
		"क्\u200dष":                "क्\u200dष",
		"قطار\u200f الأنفاق\u202b": "قطار الأنفاق",
		"\u0600\u0661":             "\u0600\u0661",
		// What emoji need.
		"👩\u200d🚒":                   "👩\u200d🚒",
		"👮🏽\u200d♀\ufe0f":            "👮🏽\u200d♀\ufe0f",
		"🏳\ufe0f\u200d🌈":             "🏳\ufe0f\u200d🌈",
		"👁\ufe0f\u200d🗨\ufe0f\u200d": "👁\ufe0f\u200d🗨\ufe0f",
		"🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f": "🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
		"🚋\u200dU1":                   "🚋U1",
		"1\ufe0f\u20e3 #\ufe0f\u20e3": "1\ufe0f\u20e3 #\ufe0f\u20e3",
	} {
		if got := scrub.Invisible(s); got != want {
			t.Errorf("Invisible(%q) = %q, want %q", s, got, want)
		}
	}
}

func FuzzInvisible(f *testing.F) {
	f.Add("U\u200b1 👩\u200d🚒 می\u200cخواهم \u202e")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		got := scrub.Invisible(s)
		if again := scrub.Invisible(got); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
	})
}
