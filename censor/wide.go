package censor

import (
	"iter"
	"strings"
	"unicode"
)

// Bounds of what all patterns of a city hold. Upper and lower case are alike, so each
// character of a range is looked up when its pattern is made, and what stands in the same
// brackets is merged.
const (
	maxFolded  = 1_000_000 // characters in ranges
	maxClasses = 1500      // classes such as \pL in brackets
)

// wide counts what ranges and classes hold.
type wide struct{ folded, classes int }

// add counts those of a pattern. It is false where that is too much, and they are then
// not counted.
func (w *wide) add(pattern string) bool {
	in := bracketed(pattern)
	more := wide{w.folded + folded([]rune(in)), w.classes + strings.Count(strings.ToLower(in), `\p`)}
	if more.folded > maxFolded || more.classes > maxClasses {
		return false
	}
	*w = more
	return true
}

// bracketed returns the part of a pattern that has all that stands in brackets.
func bracketed(pattern string) string {
	begin, end := strings.IndexByte(pattern, '['), strings.LastIndexByte(pattern, ']')
	if begin < 0 || end < begin {
		return ""
	}
	return pattern[begin+1 : end]
}

// folded returns how many characters are in the ranges of a pattern, at most.
func folded(pattern []rune) (n int) {
	for first, last := range Ranges(pattern) {
		n += max(0, last-first+1)
	}
	return n
}

// Ranges returns the first and the last character of the ranges, such as "a-z", of a
// pattern: as far apart as they may be, and also where a hyphen makes no range.
func Ranges(pattern []rune) iter.Seq2[int, int] {
	return func(yield func(first, last int) bool) {
		for i := 1; i < len(pattern)-1; i++ {
			if pattern[i] == '-' && !yield(lowest(pattern[i-1]), highest(pattern[i+1:])) {
				return
			}
		}
	}
}

// lowest is the first of a range that begins with the character that r ends.
func lowest(r rune) int {
	if r == '}' { // as of \x{41}
		return 0
	}
	return int(r)
}

// highest is the last of a range that ends with what follows.
func highest(follows []rune) int {
	switch {
	case follows[0] != '\\':
		return int(follows[0])
	case len(follows) > 1 && follows[1] == 'x':
		return unicode.MaxRune
	default:
		return 0o777
	}
}
