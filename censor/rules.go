// Package censor judges reports by their text: Rules says what a city lets
// pass. It does not know what an author has said before.
package censor

import (
	"strings"
	"unicode/utf8"

	"ticketfrei/internal/report"
)

// MaxLength is how long a report may be, in characters.
const MaxLength = 5000

// Limits on what a moderator may write, so that no city slows down the others.
const (
	maxLines   = 500   // patterns, and words
	maxPattern = 200   // characters of each
	maxProgram = 500   // instructions of a compiled pattern
	maxTotal   = 10000 // instructions of all patterns of a city
)

// Anything is the pattern that lets everything pass.
const Anything = "*"

// Rules is what a city lets pass. It never changes and may be used from many
// goroutines.
type Rules struct {
	triggers *automaton
	patterns []string // as the moderator wrote them, in the order of triggers
	any      bool     // there is a line *
	blocked  words
	slurs    *words
}

// Compile makes rules from what a moderator wrote. The error is of type
// PatternErrors and names every line that is wrong.
//
// triggers holds one pattern per line in RE2 syntax
// (https://github.com/google/re2/wiki/Syntax). Blank lines, lines that start
// with #, and white space around a pattern are ignored. The line * lets
// everything pass. Patterns match anywhere in the normalised text (see
// Normalize). Therefore:
//
//   - case never matters; letters and small character classes are normalised
//     like the text: straße, STRASSE and stra[ß]e all find "Straße"
//     and "STRASSE";
//   - the text is one line with single spaces, so ^ and $ are its start and
//     end, and two kinds of white space in a row, as in \s\s, are never found;
//   - \b and \B know all letters and digits, not only ASCII: \bübung finds
//     "Übung". \w and \d stay ASCII; \pL is every letter.
//
// blocked holds one word or phrase per line. Only whole words match: "rad" is
// found neither in "Fahrrad" nor in "räder". White space and punctuation
// between the words of a phrase do not matter; symbols count as words.
func Compile(triggers, blocked string) (*Rules, error) {
	c := newCompiler(triggers, blocked, nil)
	if len(c.errs) == 0 {
		c.rules.triggers = newAutomaton(c.progs)
	}
	return c.result()
}

// Judge says whether a report with this text passes, and why. It takes time in
// proportion to the length of the text, whatever the rules are.
func (r *Rules) Judge(text string) report.Verdict {
	if strings.TrimSpace(text) == "" {
		return held(report.ReasonEmpty, "")
	}
	if tooLong(text) {
		return held(report.ReasonTooLong, "")
	}
	text = Normalize(text)
	if text == "" {
		return held(report.ReasonEmpty, "")
	}
	if tooLong(text) { // a single character may become many
		return held(report.ReasonTooLong, "")
	}
	if slur, word := find(text, r.slurs, &r.blocked); slur != "" {
		return held(report.ReasonSlur, slur)
	} else if word != "" {
		return held(report.ReasonBlocked, word)
	}
	if i := r.triggers.match(text); i != none {
		return report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: r.patterns[i]}
	}
	if r.any {
		return report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: Anything}
	}
	return held(report.ReasonNoTrigger, "")
}

func tooLong(text string) bool {
	return len(text) > MaxLength && utf8.RuneCountInString(text) > MaxLength
}

func held(reason report.Reason, detail string) report.Verdict {
	return report.Verdict{Reason: reason, Detail: detail}
}
