package valid_test

import (
	"testing"

	"ticketfrei/internal/valid"
)

func TestText(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":              {"", ""},
		"plain":              {"U1 Plärrer", "U1 Plärrer"},
		"four bytes":         {"U1 🚇 𝔓", "U1 🚇 𝔓"},
		"replacement":        {"a\uFFFDb", "a\uFFFDb"},
		"NUL":                {"\x00U1\x00\x00 Plärrer\x00", "U1 Plärrer"},
		"Latin-1":            {"Pl\xe4rrer", "Pl\uFFFDrrer"},
		"a run is one":       {"a\xff\xfe\xfdb", "a\uFFFDb"},
		"cut":                {"U1 \xf0\x9f\x9a", "U1 \uFFFD"},
		"surrogate":          {"a\xed\xa0\x80b", "a\uFFFDb"},
		"NUL in a character": {"Pl\xc3\x00\xa4rrer", "Pl\uFFFD\uFFFDrrer"},
		"other controls":     {"a\x01\tb", "a\x01\tb"},
	} {
		t.Run(name, func(t *testing.T) {
			got := valid.Text(c.in)
			if got != c.want {
				t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
			}
			if !valid.Is(got) || valid.Text(got) != got {
				t.Errorf("%q becomes %q, which is not valid", c.in, got)
			}
		})
	}
}

func TestTextCostsNothing(t *testing.T) {
	text := "U1 Plärrer 2 Kontis 🚇"
	if n := testing.AllocsPerRun(100, func() { text = valid.Text(text) }); n != 0 {
		t.Errorf("valid text is allocated %v times", n)
	}
}

func FuzzText(f *testing.F) {
	f.Add("U1\x00\xff 🚇")
	f.Fuzz(func(t *testing.T, s string) {
		if got := valid.Text(s); !valid.Is(got) || valid.Text(got) != got || valid.Is(s) && got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}
