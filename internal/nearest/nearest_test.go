package nearest_test

import (
	"testing"

	"ticketfrei/internal/nearest"
)

func TestOf(t *testing.T) {
	right := []string{"line", "lines", "network", "author.known", "Plärrer", "telegram", "sunday", "len"}
	for word, want := range map[string]string{
		"lien": "line", "LINE": "line", "net": "network", "author.knwon": "author.known", "Plaerrer": "Plärrer", "plärer": "Plärrer",
		"telgram": "telegram", "sun": "sunday", "weather": "", "": "",
	} {
		if got, ok := nearest.Of(word, right); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t", word, got, ok)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"ä", "a", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"abc", "abc", 0}} {
		if got := nearest.Edits(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d", c.a, c.b, got)
		}
	}
}
