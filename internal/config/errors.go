package config

import (
	"fmt"
	"slices"
	"strings"

	"ticketfrei/internal/nearest"
)

// Error is one thing that is wrong with the settings.
type Error struct {
	// Key is the setting, such as "web.listen", or what was written in its
	// place. It is empty if the error is about a whole file.
	Key string
	// Source is where it was set: "built-in", "FILE:LINE" or the name of the
	// environment variable.
	// Empty if the problem says it.
	Source  string
	Problem string // what is wrong
	Hint    string // how to mend it; may be empty
}

// Error returns the error as one line. It never holds the value of a secret.
func (e Error) Error() string {
	var b strings.Builder
	if e.Source != "" {
		b.WriteString(e.Source)
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key)
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Errors is everything that is wrong with the settings.
type Errors []Error

// Error returns one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As reach each error.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i := range e {
		errs[i] = e[i]
	}
	return errs
}

func (e *Errors) add(key, source, hint, problem string, args ...any) {
	*e = append(*e, Error{Key: key, Source: source, Problem: fmt.Sprintf(problem, args...), Hint: hint})
}

// didYouMean returns a hint with the candidate that name most likely stands
// for, or "" if none is close. Candidates are parts joined by sep.
func didYouMean(name string, candidates []string, sep string) string {
	best, distance := "", max(2, len(strings.TrimPrefix(name, envPrefix))/4)+1
	for _, c := range candidates {
		if d := nearest.Edits(strings.ToLower(name), strings.ToLower(c)); d < distance {
			best, distance = c, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	// The setting may be under the wrong section, or under none.
	leaf := name[strings.LastIndex(name, sep)+1:]
	var same []string
	for _, c := range candidates {
		if strings.EqualFold(c[strings.LastIndex(c, sep)+1:], leaf) {
			same = append(same, c)
		}
	}
	if len(same) == 0 || len(same) > 3 {
		return ""
	}
	slices.Sort(same)
	return fmt.Sprintf("did you mean %s?", strings.Join(same, " or "))
}
