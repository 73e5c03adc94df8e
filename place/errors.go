package place

import (
	"fmt"
	"strings"
)

// Bounds of the text of a city.
const (
	MaxText  = 1 << 20 // bytes
	MaxLines = 300     // lines of the city
	MaxStops = 10_000  // different stops
	MaxName  = 100     // characters of a name or a spelling
	maxNames = 60_000  // names and spellings that the text writes
)

// Kind is what is wrong with a line of the text.
type Kind string

// What can be wrong.
const (
	NoColon      Kind = "no_colon"       // there is no ":" after the name of the line
	NoName       Kind = "no_name"        // nothing stands before the ":" or before a "="
	BadColor     Kind = "bad_color"      // Name is no colour as "#0065ae"
	BadSign      Kind = "bad_sign"       // Name holds a sign that no name may have
	NameTooLong  Kind = "name_too_long"  // Name is longer than MaxName
	TooManyLines Kind = "too_many_lines" // it is the first above MaxLines
	TooManyStops Kind = "too_many_stops" // it holds the first stop above MaxStops
	TooLong      Kind = "too_long"       // the whole text, longer than MaxText
	NotText      Kind = "not_text"       // the whole text: it is not UTF-8
)

// english says what is wrong, for the operator.
var english = map[Kind]string{
	NoColon:      `there is no colon; write "U1: first stop, second stop", or "*: stop" for stops of no line`,
	NoName:       `a name is missing`,
	BadColor:     `is no colour; write it as "#0065ae"`,
	BadSign:      `names may not hold "|", ":" or signs that cannot be seen`,
	NameTooLong:  fmt.Sprintf("the name is longer than %d characters", MaxName),
	TooManyLines: fmt.Sprintf("a city has %d lines at most", MaxLines),
	TooManyStops: fmt.Sprintf("a city has %d stops at most", MaxStops),
	TooLong:      fmt.Sprintf("the text is longer than %d kB: leave out lines, or spellings", MaxText>>10),
	NotText:      "this is no text in UTF-8 and no zip: save it as UTF-8, or take the feed as the agency offers it",
}

// Error says what is wrong with one line of the text.
type Error struct {
	Kind Kind
	Line int    // of the text, from 1; 0: the whole of it
	Name string // that is wrong; may be empty
}

// Error describes the error in English.
func (e Error) Error() string {
	text := english[e.Kind]
	if e.Name != "" {
		text = fmt.Sprintf("%q: %s", e.Name, text)
	}
	if e.Line == 0 {
		return text
	}
	return fmt.Sprintf("line %d: %s", e.Line, text)
}

// Errors is what is wrong with the text, at least one and few.
type Errors []Error

// maxErrors is how many errors are collected: who has more sees them when these are mended.
const maxErrors = 20

// Error returns one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes each error reachable for errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i := range e {
		errs[i] = e[i]
	}
	return errs
}
