// Package text fits, tidies and reads texts for every network. Its functions are
// pure.
package text

import (
	"iter"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// ellipsis stands where something is missing.
const ellipsis = "…"

// link is what networks that count links apart take for one. An ellipsis after
// it is no part of it.
var link = regexp.MustCompile(`https?://[^\s\pZ\x{85}<>"…]+`)

// Limit is how long a text may be, and how a network counts. The zero Limit is
// none.
type Limit struct {
	max    int
	unit   unit
	perURL int // what a link counts; 0 where its characters count
}

// unit is what a network counts in.
type unit int

const (
	none unit = iota // of the zero Limit: a limit of 0 is one
	runes
	utf16Units
	utf8Bytes
)

// Runes is a limit in Unicode code points.
func Runes(n int) Limit { return Limit{max: n, unit: runes} }

// UTF16 is a limit in UTF-16 units, as JavaScript counts.
func UTF16(n int) Limit { return Limit{max: n, unit: utf16Units} }

// Bytes is a limit in bytes of UTF-8.
func Bytes(n int) Limit { return Limit{max: n, unit: utf8Bytes} }

// Links returns the limit of a network where every link counts n, however long
// it is. Links are never cut in two then.
func (l Limit) Links(n int) Limit {
	l.perURL = n
	return l
}

// Len is the length of s as the network counts it, in code points where there is
// no limit.
func (l Limit) Len(s string) int {
	n := 0
	for _, size := range l.pieces(s) {
		n += size
	}
	return n
}

// Fit returns s where it fits, and else its beginning with "…" at the end. It
// cuts at the end of a word, unless that takes away more than half, and never
// within a character as people see it. What comes back is valid UTF-8 without
// white space around it.
func (l Limit) Fit(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, string(utf8.RuneError)))
	if l.unit == none || l.reach(s, l.max) == len(s) {
		return s
	}
	room := l.max - l.size(ellipsis)
	if room < 0 {
		return ""
	}
	end := wordEnd(s, l.reach(s, room))
	return strings.TrimRightFunc(s[:end], unicode.IsSpace) + ellipsis
}

// Split returns s in parts that fit, most of them at the most; the last is cut as
// Fit does where there would be more. A part ends with a line, unless that takes
// away more than half, or else with a word. Nothing else is lost but the white
// space between the parts. Of nothing there are no parts.
func (l Limit) Split(s string, most int) []string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, string(utf8.RuneError)))
	var parts []string
	for s != "" && len(parts) < most-1 {
		end := partEnd(s, l.reach(s, l.max))
		if l.unit == none || end == len(s) || end == 0 {
			break
		}
		parts = append(parts, strings.TrimSpace(s[:end]))
		s = strings.TrimSpace(s[end:])
	}
	if last := l.Fit(s); last != "" {
		parts = append(parts, last)
	}
	return parts
}

// partEnd moves back from end, where s is to be split, to the end of a line or of a
// word, however short the part gets: a long link had better stay in one piece.
func partEnd(s string, end int) int {
	if end == len(s) || s[end] == '\n' {
		return end
	}
	if line := strings.LastIndexByte(s[:end], '\n'); line > end/2 {
		return line
	}
	if next, _ := utf8.DecodeRuneInString(s[end:]); unicode.IsSpace(next) {
		return end
	}
	if space := strings.LastIndexFunc(s[:end], unicode.IsSpace); space > 0 {
		return space
	}
	return end
}

// wordEnd moves back from end, where s is to be cut, to the end of a word.
func wordEnd(s string, end int) int {
	if next, _ := utf8.DecodeRuneInString(s[end:]); unicode.IsSpace(next) {
		return end
	}
	if space := strings.LastIndexFunc(s[:end], unicode.IsSpace); space > end/2 {
		return space
	}
	return end
}

// reach returns how much of s has room, in bytes.
func (l Limit) reach(s string, room int) int {
	end := 0
	for piece, size := range l.pieces(s) {
		if room -= size; room < 0 {
			break
		}
		end += len(piece)
	}
	return end
}

// pieces are the parts of s that must not be cut, each with what it counts:
// characters with all that is joined to them (Unicode Standard Annex 29), and
// links where they count apart.
func (l Limit) pieces(s string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for s != "" {
			url := l.nextLink(s)
			for characters := graphemes.FromString(s[:url[0]]); characters.Next(); {
				if c := characters.Value(); !yield(c, l.size(c)) {
					return
				}
			}
			if url[0] < url[1] && !yield(s[url[0]:url[1]], l.perURL) {
				return
			}
			s = s[url[1]:]
		}
	}
}

// nextLink returns where the next link begins and ends; both are the end of s
// where none comes.
func (l Limit) nextLink(s string) []int {
	if l.perURL > 0 {
		if at := link.FindStringIndex(s); at != nil {
			return at
		}
	}
	return []int{len(s), len(s)}
}

// size is what s counts, links in full.
func (l Limit) size(s string) int {
	switch l.unit {
	case utf16Units:
		n := 0
		for _, r := range s {
			n += utf16.RuneLen(r)
		}
		return n
	case utf8Bytes:
		return len(s)
	}
	return utf8.RuneCountInString(s)
}
