package moving

import (
	"regexp"
	"slices"
	"strings"

	"ticketfrei/censor"
)

// t2Patterns are those among the lines that a city of Ticketfrei 2 began with that were meant
// as patterns. They never matched: all lines were looked for as they stand.
var t2Patterns = []string{`kontroll?e`, `s\d`, `u\d\d?`}

// t2Blocked are words that no city of Ticketfrei 2 let pass, and that are not among those that
// no city here does.
var t2Blocked = []string{"hitler", "jude", "fag", "schlitz"}

// special are the characters that mean something in a pattern.
const special = `\.+*?()|[]{}^$`

// pythonLines are the lines of a text as Python's splitlines has them.
func pythonLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune("\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029", r) {
			return '\n'
		}
		return r
	}, text)
	if text = strings.TrimSuffix(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// t2Triggers are the triggers that do what the lines did in Ticketfrei 2: it looked for each in
// the text, as it stands.
func t2Triggers(text string) (list []string, notes []Note) {
	var lines unique
	blank := false
	for _, line := range pythonLines(text) {
		trigger := ""
		switch {
		case censor.Normalize(line) == "":
			blank = true
			continue
		case strings.TrimSpace(line) == censor.Anything:
			trigger = censor.Anything
			notes = append(notes, Note{Key: "t2_everything"})
		case slices.Contains(t2Patterns, line):
			trigger = line
		default:
			trigger = asItStands(line)
		}
		lines.add(trigger)
	}
	if blank {
		notes = append(notes, Note{Key: "t2_blank"})
	}
	return lines.list, notes
}

// asItStands is the pattern that finds a line as it stands, with the space around it.
func asItStands(line string) string {
	words := strings.Join(strings.Fields(line), " ")
	if strings.ContainsAny(words, special) {
		words = regexp.QuoteMeta(words)
	}
	if strings.HasPrefix(words, "#") { // which begins a comment here
		words = `\` + words
	}
	if strings.TrimLeft(line, " \t") != line {
		words = `\s` + words
	}
	if strings.TrimRight(line, " \t") != line {
		words += `\s`
	}
	return words
}

// t2Words are the blocked words of a city of Ticketfrei 2. It compared them with what stood
// between spaces in the text, in lower case: others were never found.
func t2Words(text string) (list []string, notes []Note) {
	var found []string
	var lines unique
	for _, line := range pythonLines(text) {
		word := strings.Join(strings.Fields(line), " ")
		if _, ok := censor.BlockedPattern(word); ok {
			word = strings.Trim(word, "/")
		}
		switch {
		case word == "" || lines.has[word]:
			continue
		case word != strings.ToLower(line) || strings.Contains(word, " "):
			found = append(found, short(word))
		}
		lines.add(word)
	}
	if len(found) > 0 {
		notes = append(notes, Note{"t2_found_now", []string{listed(found)}})
	}
	for _, word := range t2Blocked {
		lines.add(word)
	}
	return lines.list, notes
}
