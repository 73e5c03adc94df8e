package manage

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"ticketfrei/censor"
)

// unaccented writes letters as people do who have no key for them.
var unaccented = strings.NewReplacer("ae", "a", "oe", "o", "ue", "u", "ł", "l", "ø", "o", "đ", "d")

// fold brings a text to a spelling in which it is searched: "Plärrer", "PLAERRER" and
// "plarrer" are the same.
func fold(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(censor.Normalize(text)))
	return unaccented.Replace(text)
}
