// Package scrub takes out of texts what must not be passed on: our own links that
// hold tokens, which would unsubscribe or log in whoever the report was sent to, and
// what leads to people: addresses, profiles, phone numbers.
package scrub

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// span is a part of a text, in bytes.
type span struct{ from, to int }

// without returns text without the spans. What they leave behind, such as brackets
// and blanks, goes as well; a text of which only punctuation is left is empty.
func without(text string, spans []span) string {
	var b strings.Builder
	b.Grow(len(text))
	at := 0
	for _, s := range ordered(text, spans) {
		b.WriteString(text[at:s.from])
		at = s.to
		if between(text[:s.from], text[s.to:]) {
			b.WriteByte(' ') // what stands at both ends does not become one word
		}
	}
	b.WriteString(text[at:])
	left := b.String()
	if strings.IndexFunc(left, says) < 0 {
		return ""
	}
	return left
}

// says tells whether r can say something by itself: letters, digits, pictures.
func says(r rune) bool { return isWord(r) || unicode.Is(unicode.So, r) }

// ordered returns the spans with what goes with each, in the order of the text.
func ordered(text string, spans []span) []span {
	var all []span
	for _, s := range spans {
		all = append(all, unwrapped(text, s)...)
	}
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	return united(all)
}

// united makes one of the spans that overlap, which are in order.
func united(spans []span) []span {
	var all []span
	for _, s := range spans {
		if last := len(all) - 1; last >= 0 && s.from < all[last].to {
			all[last].to = max(all[last].to, s.to)
		} else {
			all = append(all, s)
		}
	}
	return all
}

// unwrapped returns what goes with a span: the brackets around it. Of a link in
// markdown, "[Hbf](link)", the words stay.
func unwrapped(text string, s span) []span {
	before, after := text[:s.from], text[s.to:]
	if strings.HasSuffix(before, "](") {
		return markdown(text, s)
	}
	for _, pair := range []string{"<>", "()", "[]"} {
		if strings.HasSuffix(before, pair[:1]) && strings.HasPrefix(after, pair[1:]) {
			s = span{s.from - 1, s.to + 1}
		}
	}
	return []span{withBlanks(text, s)}
}

// maxLabel is how long the words of a link in markdown are at most, in bytes.
const maxLabel = 300

// markdown returns what goes of a link in markdown that leads to s.
func markdown(text string, s span) []span {
	label := s.from - len("](")
	s.from = label
	line := strings.IndexByte(text[s.to:]+"\n", '\n')
	if end := strings.IndexByte(text[s.to:s.to+min(line, maxLabel, len(text)-s.to)], ')'); end >= 0 {
		s.to += end + 1 // a title may stand before it
	}
	start := max(0, label-maxLabel)
	if open := strings.LastIndexByte(text[start:label], '['); open >= 0 {
		return []span{{start + open, start + open + 1}, withBlanks(text, s)}
	}
	return []span{withBlanks(text, s)}
}

// withBlanks adds the blanks after a span before which stands one; where nothing else
// stands in its line, the line.
func withBlanks(text string, s span) span {
	const marks = 40 // of a quote, before it in its line
	near := max(0, s.from-marks)
	line := near + strings.LastIndexByte(text[near:s.from], '\n') + 1
	alone := (line > near || near == 0) && strings.TrimLeft(text[line:s.from], "> \t") == ""
	if alone || isBlank(text[s.from-1]) {
		for s.to < len(text) && isBlank(text[s.to]) {
			s.to++
		}
	}
	switch {
	case alone && s.to == len(text):
		s.from = line
	case alone && text[s.to] == '\n':
		s.from, s.to = line, s.to+1
	}
	return s
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// between tells whether something was taken out of the middle of a word.
func between(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	return (isWord(last) || isToken(last)) && (isWord(first) || isToken(first))
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
