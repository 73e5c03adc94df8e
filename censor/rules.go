// Package censor judges reports by their text: Rules says what a city lets
// pass. It does not know what an author has said before.
package censor

import (
	"fmt"
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
	found    *automaton // finds the first of patterns
	patterns []string   // as the moderator wrote them: first those that refuse, then triggers
	refusing int        // how many refuse
	any      bool       // there is a line *
	blocked  words
	slurs    *words
	limits   Limits
}

// Limits are what a city does not pass on, whatever its words are.
type Limits struct {
	NoLinks bool // what has a link in it
	Short   bool // what is longer than report.ShortChars
}

// Of makes the rules of a city: see Compile.
func Of(c report.City) (*Rules, error) {
	r, err := Compile(c.Triggers, c.Blocked)
	if err != nil {
		return nil, fmt.Errorf("rules of city %s: %w", c.Slug, err)
	}
	return r.With(LimitsOf(c)), nil
}

// LimitsOf returns the limits of a city.
func LimitsOf(c report.City) Limits { return Limits{NoLinks: c.NoLinks, Short: c.Short} }

// With returns the same rules with other limits.
func (r *Rules) With(l Limits) *Rules {
	if r.limits == l {
		return r
	}
	limited := *r
	limited.limits = l
	return &limited
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
// between the words of a phrase do not matter; symbols count as words. A line
// between two "/", as /rad(ler)?/, is a pattern as those of triggers are.
func Compile(triggers, blocked string) (*Rules, error) {
	c := newCompiler(triggers, blocked, nil)
	if len(c.errs) == 0 {
		c.join()
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
	i := r.found.match(text)
	if i < r.refusing {
		return held(report.ReasonBlocked, r.patterns[i])
	}
	if v := r.limits.judge(text); v.Reason != "" {
		return v
	}
	if i != none {
		return report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: r.patterns[i]}
	}
	if r.any {
		return report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: Anything}
	}
	return held(report.ReasonNoTrigger, "")
}

// judge says what the limits refuse of a normalised text; nothing: no Reason.
func (l Limits) judge(text string) (v report.Verdict) {
	if l.NoLinks && hasLink(text) {
		return held(report.ReasonLink, "")
	}
	if l.Short && len(text) > report.ShortChars && utf8.RuneCountInString(text) > report.ShortChars {
		return held(report.ReasonLong, "")
	}
	return v
}

func tooLong(text string) bool {
	return len(text) > MaxLength && utf8.RuneCountInString(text) > MaxLength
}

func held(reason report.Reason, detail string) report.Verdict {
	return report.Verdict{Reason: reason, Detail: detail}
}
