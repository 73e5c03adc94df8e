// Package lines reads which lines somebody has chosen.
package lines

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"ticketfrei/internal/report"
)

const (
	// maxWords is how many words are read of what somebody has typed, and longestName
	// how many of them are tried as one name.
	maxWords    = 200
	longestName = 4
)

// all are the words for all lines, between are words that mean nothing.
var (
	all     = words("all alle alles everything hepsi tümü tüm hepsini الكل جميع كل усі всі все toutes tous tout")
	between = words("and or und oder ve veya و أو і та або й et ou line lines linie linien hat hattı hatlar خط خطوط лінія лінії ligne lignes")
)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[key(w)] = true
	}
	return set
}

// Choice is what somebody has chosen.
type Choice struct {
	Lines   []string // as their city writes them, in its order, each once
	Unknown []string // words that name no line
	All     bool     // all lines; then the others are empty
}

// Empty tells whether nothing was typed.
func (c Choice) Empty() bool { return !c.All && len(c.Lines)+len(c.Unknown) == 0 }

// Read reads which of a city's lines are named in a text, as "U1, tram 4". Upper and lower
// case, blanks and hyphens make no difference, and a number is enough where one line alone
// has it.
func Read(typed string, city []string) Choice {
	known, fields := index(city), strings.FieldsFunc(typed, parts)
	fields = fields[:min(maxWords, len(fields))]
	var c Choice
	everything := false
	chosen := map[string]bool{}
	for len(fields) > 0 {
		name, n := longest(fields, known)
		switch {
		case n > 0:
			chosen[name] = true
		case all[key(fields[0])] || fields[0] == "*":
			everything = true
		case key(fields[0]) != "" && !between[key(fields[0])]:
			c.Unknown = append(c.Unknown, fields[0])
		}
		fields = fields[max(1, n):]
	}
	c.Lines = slices.DeleteFunc(slices.Clone(city), func(name string) bool { return !chosen[name] })
	c.All = everything && len(c.Lines)+len(c.Unknown) == 0
	return c
}

// parts tells whether a character stands between names.
func parts(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;،؛|&", r) }

// longest returns the line that the first words name, the most words first, and how many
// those are; 0: none.
func longest(fields []string, known map[string]string) (name string, n int) {
	for n := min(longestName, len(fields)); n > 0; n-- {
		if name, ok := known[key(strings.Join(fields[:n], ""))]; ok && name != "" {
			return name, n
		}
	}
	return "", 0
}

// index has the names by their keys, and by their numbers where one line alone has that.
func index(city []string) map[string]string {
	known, numbers := map[string]string{}, map[string]string{}
	for _, name := range city {
		known[key(name)] = name
		number := strings.TrimLeftFunc(key(name), func(r rune) bool { return !unicode.IsDigit(r) })
		if _, twice := numbers[number]; twice {
			name = ""
		}
		numbers[number] = name
	}
	delete(known, "")
	delete(numbers, "")
	for number, name := range numbers {
		if _, ok := known[number]; !ok {
			known[number] = name
		}
	}
	return known
}

// key is a name without case, blanks and marks.
func key(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			return -1
		}
		return r
	}, cases.Fold().String(norm.NFKC.String(name)))
}

// Gone are those among chosen lines that a city does not have, or not any more.
func Gone(chosen report.Lines, city []string) []string {
	return slices.DeleteFunc(chosen.List(), func(name string) bool { return slices.Contains(city, name) })
}

// maxShown is how many lines are listed in a text.
const maxShown = 60

// List is a list of lines for people to read. Of very many it has the first.
func List(names []string) string {
	if len(names) <= maxShown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:maxShown], ", ") + " …"
}
