package text

import (
	"regexp"
	"strings"
	"unicode"
)

// Tidy trims every line, joins the spaces in it, and drops empty lines. A
// control character is a space.
func Tidy(s string) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		words := strings.FieldsFunc(line, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
		if len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return strings.Join(lines, "\n")
}

// wordJoiner stands invisibly between "@" and a name, so that no server takes
// the two for a mention.
const wordJoiner = "\u2060"

// mention is what some server would take for one. Servers differ in what may
// stand before the "@": a letter or digit never does, so that mail addresses
// stay as they are.
var mention = regexp.MustCompile(`(^|[^A-Za-z0-9_])@([\pL\pN_])`)

// Calm breaks the mentions in s: people named in a report that is passed on are
// not notified.
func Calm(s string) string {
	// Twice: of "@a@b" the matches overlap.
	for range 2 {
		s = mention.ReplaceAllString(s, "$1@"+wordJoiner+"$2")
	}
	return s
}

// Same tells whether two texts are equal but for what cannot be seen and how
// they are spaced: servers change both.
func Same(a, b string) bool { return visible(a) == visible(b) }

func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc) {
			return -1
		}
		return r
	}, s)
}
