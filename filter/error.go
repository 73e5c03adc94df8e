package filter

import (
	"fmt"
	"strings"
)

// Kind is what is wrong with a filter.
type Kind string

// What can be wrong.
const (
	Syntax       Kind = "syntax"        // it cannot be read; Why says what stands in the way
	Types        Kind = "types"         // what is compared or added does not fit together; see Why
	NoAnswer     Kind = "no_answer"     // it says neither yes nor no
	UnknownName  Kind = "unknown_name"  // Word is no attribute
	UnknownValue Kind = "unknown_value" // Attribute is never Word
	NotAllowed   Kind = "not_allowed"   // Word is an operator or a form that filters do not have
	NotFixed     Kind = "not_fixed"     // Word needs fixed values
	BadPattern   Kind = "bad_pattern"   // Word is no pattern that "matches" knows; see Why
	NoPlaces     Kind = "no_places"     // near, in a city without lines and stops
	TooLong      Kind = "too_long"      // longer than MaxLength, or more values than MaxValues
	TooBig       Kind = "too_big"       // it has more than MaxNodes parts
	TooDeep      Kind = "too_deep"      // more than MaxNested any(…) and none(…) in each other
	TooMuch      Kind = "too_much"      // it may take too long
)

// Error is what is wrong with a filter, and where.
type Error struct {
	Kind      Kind
	Field     string // "include", "exclude" or "when"; of a value: the name it was compiled with
	Attribute string // the key below include and exclude; or what Word cannot be a value of
	At        int    // where in when or in the value, in characters from 0; -1: it is about the whole
	Word      string // what is wrong, as it was written; may be empty
	Nearest   string // what may have been meant; empty: nothing is like it
	Values    []string
	Why       string // in English, of Syntax, Types and BadPattern
	source    string
	number    *attribute // Word is beyond its bounds
}

// Error describes the error in English, with the place in the source.
func (e *Error) Error() string {
	where := e.Field
	if e.Attribute != "" && e.Field != when {
		where += "." + e.Attribute
	}
	text := where + ": " + e.Text()
	if e.At >= 0 {
		line, column := e.Position()
		text += fmt.Sprintf(" (%d:%d)", line, column)
	}
	return text
}

// Text says in English what is wrong and how to mend it, without the place.
func (e *Error) Text() string {
	text := e.what()
	if e.Nearest != "" {
		text += fmt.Sprintf("; did you mean %q?", e.Nearest)
	}
	return text
}

func (e *Error) what() string {
	switch e.Kind {
	case NoAnswer:
		return "it must be true or false for a report, as line == \"U1\""
	case UnknownName:
		return fmt.Sprintf("unknown name %q", e.Word) + e.known()
	case UnknownValue:
		return fmt.Sprintf("%s is never %q", e.Attribute, e.Word) + e.known()
	case NotAllowed:
		return fmt.Sprintf("%s is not allowed here", e.Word)
	case NotFixed:
		return e.Word + " needs fixed values, as near(\"Central Station\", 2) or text matches \"^U[0-9]\""
	case BadPattern:
		return fmt.Sprintf("%q is no pattern: %s", e.Word, e.Why)
	case NoPlaces:
		return "near needs the lines and stops of the city, and it has none"
	case TooLong:
		return fmt.Sprintf("it is too long: at most %d characters, and %d values of %d characters", MaxLength, MaxValues, maxValue)
	case TooBig:
		return fmt.Sprintf("it has too many parts: at most %d", MaxNodes)
	case TooDeep:
		return fmt.Sprintf("at most %d any(…) or none(…) may stand in each other", MaxNested)
	case TooMuch:
		return "it may take too long: leave out patterns, or any(…) and none(…)"
	default:
		return e.Why
	}
}

// few is how many right values are listed.
const few = 12

func (e *Error) known() string {
	if len(e.Values) == 0 || len(e.Values) > few {
		return ""
	}
	return "; it is one of " + strings.Join(e.Values, ", ")
}

// Position returns the place in lines and characters, both from 1.
func (e *Error) Position() (line, column int) {
	before := string([]rune(e.source)[:min(e.At, len([]rune(e.source)))])
	line = strings.Count(before, "\n") + 1
	return line, len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
}

// Marked returns the line of the source with the place, cut in two where it is. Both are
// empty where the error is about the whole.
func (e *Error) Marked() (before, after string) {
	if e.At < 0 || e.source == "" {
		return "", ""
	}
	line, column := e.Position()
	text := []rune(strings.Split(e.source, "\n")[line-1])
	return string(text[:column-1]), string(text[column-1:])
}
