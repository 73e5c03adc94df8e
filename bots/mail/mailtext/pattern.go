package mailtext

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// pattern is a regular expression for lines that begin in a certain way. It is
// not tried on others, which is nearly every line that somebody writes: a look at
// how a line begins is far cheaper.
type pattern struct {
	*regexp.Regexp
	starts []string
}

// newPattern makes a pattern. Whatever expr matches must begin, after white
// space, with one of starts, in upper or lower case. After its first letter a
// start must have no "s" and no "k": for (?i) these have forms beyond ASCII.
func newPattern(expr string, starts ...string) pattern {
	return pattern{regexp.MustCompile(expr), starts}
}

// MatchString says whether line matches.
func (p pattern) MatchString(line string) bool {
	begin := strings.TrimLeft(line, space)
	if begin == "" {
		return false
	}
	if begin[0] >= utf8.RuneSelf {
		return p.Regexp.MatchString(line)
	}
	for _, start := range p.starts {
		if len(begin) >= len(start) && strings.EqualFold(begin[:len(start)], start) {
			return p.Regexp.MatchString(line)
		}
	}
	return false
}

// space is what \s matches in regular expressions.
const space = " \t\n\f\r"

// longWord is from how many characters on a word of base64's alphabet is taken
// for base64: nobody writes one so long.
const longWord = 60

// findLongWord finds the first long word that begins in text[from:to] and returns
// where it begins and ends, with the "=" at its end; -1 if there is none.
func findLongWord(text string, from, to int) (start, end int) {
	for i := from; i < to; i++ {
		if !isBase64(text[i]) {
			continue
		}
		start = i
		for i < len(text) && isBase64(text[i]) {
			i++
		}
		if i-start >= longWord {
			for range 2 {
				if i < len(text) && text[i] == '=' {
					i++
				}
			}
			return start, i
		}
	}
	return -1, -1
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// isLongWord says whether a line is one long word.
func isLongWord(line string) bool {
	line = strings.Trim(line, space)
	if len(line) < longWord || !isBase64(line[0]) {
		return false
	}
	start, end := findLongWord(line, 0, 1)
	return start == 0 && end == len(line)
}

// minLetters is how many different characters a long word of base64 has at least.
// "HAHAHAHA…" has two.
const minLetters = 6

// manyLetters says whether a text in ASCII has as many different characters as
// base64 would.
func manyLetters(text string) bool {
	var seen [utf8.RuneSelf]bool
	different := 0
	for i := range len(text) {
		if c := text[i] % utf8.RuneSelf; !seen[c] {
			seen[c] = true
			different++
		}
	}
	return different >= minLetters
}
