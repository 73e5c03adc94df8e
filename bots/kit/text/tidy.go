package text

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"ticketfrei/internal/scrub"
)

// Tidy trims every line, joins the spaces in it, and drops empty lines and what cannot
// be seen. A control character is a space.
func Tidy(s string) string {
	var lines []string
	for line := range strings.SplitSeq(scrub.Invisible(s), "\n") {
		words := strings.FieldsFunc(line, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
		if len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return strings.Join(lines, "\n")
}

// wordJoiner stands invisibly between "@" or "/" and a word, so that no server and
// no app takes the two for a mention or a command.
const wordJoiner = "\u2060"

// call is what may be a mention or a command.
var call = regexp.MustCompile(`@[\pL\pN_]|/[A-Za-z0-9_]`)

// Calm breaks the mentions and commands in s: people named in a report that is
// passed on are not notified, and "/stop" in it is nothing to tap on. Mail addresses,
// links and words as "U1/U2" stay as they are.
func Calm(s string) string {
	links := link.FindAllStringIndex(s, -1)
	var calm strings.Builder
	done := 0
	for _, at := range call.FindAllStringIndex(s, -1) {
		for len(links) > 0 && links[0][1] <= at[0] {
			links = links[1:]
		}
		inLink := len(links) > 0 && links[0][0] < at[0]
		if before, _ := utf8.DecodeLastRuneInString(s[:at[0]]); !calls(s[at[0]], before, inLink) {
			continue
		}
		calm.WriteString(s[done:at[0]+1] + wordJoiner)
		done = at[0] + 1
	}
	return calm.String() + s[done:]
}

// calls tells whether "@" or "/" after a character may begin a mention or a command.
// Servers and apps differ in that, but a letter or digit is never before it.
func calls(sign byte, before rune, inLink bool) bool {
	if before < utf8.RuneSelf && (unicode.IsLetter(before) || unicode.IsDigit(before) || before == '_') {
		return false
	}
	if sign == '/' { // by the rules of Telegram's apps
		return !inLink && !strings.ContainsRune("/<>", before)
	}
	return !inLink || before != '/' && before != '='
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
