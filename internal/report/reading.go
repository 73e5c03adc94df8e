package report

import (
	"slices"
	"strings"
)

// Reading is what was read in a report's text, by the lines and stops of its city. What
// could not be read is empty.
type Reading struct {
	Line   string // the line it names, as the city writes it; where it names several, the first
	Stop   string // the stop it names, as the city writes it
	Toward string // the stop or the words after "toward", as the city writes it
	People int    // how many they are
	Clear  bool   // it is an all-clear: they are gone
	// Lines are all lines that it is about: those it names, or else those of its stop.
	Lines Lines
}

// Lines are names of lines, each within "|", as "|U1|U2|"; empty: none. No name has a "|".
type Lines string

// NewLines makes Lines of names.
func NewLines(names ...string) Lines {
	if len(names) == 0 {
		return ""
	}
	return Lines("|" + strings.Join(names, "|") + "|")
}

// List returns the names.
func (l Lines) List() []string {
	return strings.FieldsFunc(string(l), func(r rune) bool { return r == '|' })
}

// Has tells whether a line is among them.
func (l Lines) Has(name string) bool { return name != "" && strings.Contains(string(l), "|"+name+"|") }

// Any tells whether one of the lines is among them.
func (l Lines) Any(of Lines) bool { return slices.ContainsFunc(of.List(), l.Has) }

// Contains tells whether all lines of the other are among them, and there are some.
func (l Lines) Contains(all Lines) bool {
	names := all.List()
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !l.Has(name) })
}

// Named tells whether a line or a stop was read.
func (r Reading) Named() bool { return r.Line != "" || r.Stop != "" }

// Admit lets a report pass that no trigger matches, but that names a line or a stop of
// its city, or is an all-clear.
func (r Reading) Admit(v Verdict) Verdict {
	switch {
	case v.Reason != ReasonNoTrigger:
		return v
	case r.Clear:
		return Verdict{Passed: true, Reason: ReasonClear}
	case r.Line != "":
		return Verdict{Passed: true, Reason: ReasonPlace, Detail: r.Line}
	case r.Stop != "":
		return Verdict{Passed: true, Reason: ReasonPlace, Detail: r.Stop}
	default:
		return v
	}
}

// Heading says what was read, as "U1 Plärrer → Fürth", in no language; an all-clear
// begins with "✓". Empty: nothing was read.
func (r Reading) Heading() string {
	var parts []string
	if r.Clear {
		parts = append(parts, "✓")
	}
	for _, name := range []string{r.Line, r.Stop} {
		if name != "" {
			parts = append(parts, name)
		}
	}
	if r.Toward != "" {
		parts = append(parts, "→ "+r.Toward)
	}
	return strings.Join(parts, " ")
}
