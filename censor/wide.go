package censor

import (
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
func folded(all []rune) (n int) {
	for i := 1; i < len(all)-1; i++ {
		if all[i] == '-' {
			n += max(0, highest(all[i+1:])-lowest(all[i-1])+1)
		}
	}
	return n
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
