package mailtext

import (
	"slices"
	"strings"
	"unicode"
)

// cutName returns the lines of a mail that is passed on above the name of who wrote it,
// which stands in its header and, with a greeting, in one of the last lines.
func cutName(lines, header []string) []string {
	const last, short = 3, 4 // lines, words
	names := headerNames(header)
	seen := 0
	for i, line := range slices.Backward(lines) {
		words := strings.FieldsFunc(strings.ToLower(line), isNoLetter)
		if len(words) == 0 {
			continue
		}
		if seen++; seen > last {
			break
		}
		if len(words) <= short && slices.ContainsFunc(words, func(w string) bool { return slices.Contains(names, w) }) {
			return lines[:i]
		}
	}
	return lines
}

func isNoLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }

// headerNames returns the words of the names in the header of a mail, in lower case:
// those beside addresses, or, where there is none, those of its first label.
func headerNames(header []string) (names []string) {
	for _, line := range header {
		_, value, _ := strings.Cut(line, ":")
		if strings.Contains(value, "@") {
			names = append(names, nameWords(value)...)
		}
	}
	for _, line := range header {
		if len(names) == 0 && isLabelled(line) {
			_, value, _ := strings.Cut(line, ":")
			return nameWords(value)
		}
	}
	return names
}

func nameWords(value string) []string {
	value = addressPart.ReplaceAllString(value, " ")
	words := strings.FieldsFunc(strings.ToLower(value), isNoLetter)
	const letters = 3 // of the shortest name that is one
	return slices.DeleteFunc(words, func(w string) bool { return len([]rune(w)) < letters || w == "mailto" })
}
