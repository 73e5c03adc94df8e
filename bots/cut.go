package bots

import (
	"unicode"
	"unicode/utf8"
)

// WholeCharacters moves back from end, a place in text where it is to be cut, to
// where no combining character, and nothing joined to the character before it,
// is cut off.
func WholeCharacters(text string, end int) int {
	for end > 0 && end < len(text) {
		next, _ := utf8.DecodeRuneInString(text[end:])
		last, size := utf8.DecodeLastRuneInString(text[:end])
		if !joins(next) && last != zeroWidthJoiner {
			break
		}
		end -= size
	}
	return end
}

const zeroWidthJoiner = '\u200d'

func joins(r rune) bool {
	return r == zeroWidthJoiner || unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) || r >= 0x1f3fb && r <= 0x1f3ff
}
