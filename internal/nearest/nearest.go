// Package nearest finds what somebody meant who has mistyped a word.
package nearest

import (
	"strings"
	"unicode/utf8"
)

// longest is how many characters of a word are compared.
const longest = 100

// Of returns the candidate that is most like word: the same but for its case, one that
// begins with it, or one that a few letters make of it. ok is false where none is like it.
func Of(word string, candidates []string) (nearest string, ok bool) {
	best := 0
	for _, c := range candidates {
		if d := distance(word, c); d <= reach(word) && (!ok || d < best) {
			nearest, best, ok = c, d, true
		}
	}
	return nearest, ok
}

// reach is how many letters of a word may be wrong.
func reach(word string) int { return 1 + utf8.RuneCountInString(word)/4 }

func distance(word, candidate string) int {
	switch word, candidate := strings.ToLower(word), strings.ToLower(candidate); {
	case word == candidate:
		return 0
	case len(word) > 2 && strings.HasPrefix(candidate, word):
		return 1
	default:
		return Edits(word, candidate)
	}
}

// Edits returns how many characters must be inserted, removed, changed or swapped with the
// next to turn a into b, of the first hundred.
func Edits(a, b string) int {
	from, to := []rune(a), []rune(b)
	from, to = from[:min(len(from), longest)], to[:min(len(to), longest)]
	before, last, row := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range to {
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+differ(from[i], to[j]))
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(to)]
}

func differ(a, b rune) int {
	if a == b {
		return 0
	}
	return 1
}
