package mastodon

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"ticketfrei/bots"
)

// linkLength is what a link counts, however long it is
// (characters_reserved_per_url in Mastodon's instance configuration).
const linkLength = 23

// wordJoiner stands invisibly between "@" and a name, so that no server takes
// the two for a mention: people named in a relayed report are not notified.
const wordJoiner = "\u2060"

// mention is what some server would take for one. Servers differ in what may
// stand before the "@": a letter or digit never does, so that mail addresses
// stay as they are.
var mention = regexp.MustCompile(`(^|[^A-Za-z0-9_])@([\pL\pN_])`)

// calm breaks the mentions in text.
func calm(text string) string {
	// Twice: of "@a@b" the matches overlap.
	for range 2 {
		text = mention.ReplaceAllString(text, "$1@"+wordJoiner+"$2")
	}
	return text
}

// link is what Mastodon counts as one.
var link = regexp.MustCompile(`https?://[^\s<>"]+`)

// fit cuts text to limit characters at the end of a word, with "…" where
// something is missing. perLink is what a link counts; 0 counts its characters.
func fit(text string, limit, perLink int) string {
	if count(text, perLink) <= limit {
		return text
	}
	end := cutAt(text, limit-1, perLink)
	if word := strings.LastIndexFunc(text[:end], unicode.IsSpace); word > end/2 && !startsWord(text, end) {
		end = word
	}
	return strings.TrimRightFunc(text[:end], unicode.IsSpace) + "…"
}

// count is the length of text in characters.
func count(text string, perLink int) int {
	n := utf8.RuneCountInString(text)
	if perLink == 0 {
		return n
	}
	for _, l := range link.FindAllString(text, -1) {
		n += perLink - utf8.RuneCountInString(l)
	}
	return n
}

// cutAt returns how much of text fits, in bytes: never a part of a link, and
// never a character without what is joined to it.
func cutAt(text string, limit, perLink int) int {
	var links [][]int
	if perLink > 0 {
		links = link.FindAllStringIndex(text, -1)
	}
	used, end := 0, 0
	for end < len(text) {
		_, size := utf8.DecodeRuneInString(text[end:])
		weight := 1
		if len(links) > 0 && links[0][0] == end {
			size, weight = links[0][1]-end, perLink
			links = links[1:]
		}
		if used+weight > limit {
			break
		}
		used, end = used+weight, end+size
	}
	return bots.WholeCharacters(text, end)
}

// startsWord tells whether the text goes on with a space: no word is cut then.
func startsWord(text string, end int) bool {
	r, _ := utf8.DecodeRuneInString(text[end:])
	return end == len(text) || unicode.IsSpace(r)
}

// sameText tells whether what the server shows is the text that was posted:
// what cannot be seen and how it is spaced does not count.
func sameText(shown, posted string) bool {
	return visible(shown) == visible(posted)
}

func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc) {
			return -1
		}
		return r
	}, text)
}
