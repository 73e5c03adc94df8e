package censor

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// What can be wrong with a line, besides a *syntax.Error of a pattern.
var (
	ErrTooMany    = fmt.Errorf("more than %d lines", maxLines)
	ErrTooLong    = fmt.Errorf("longer than %d characters", maxPattern)
	ErrTooComplex = errors.New("too complex: too many or nested repetitions")
	ErrAllTooLong = errors.New("too complex together with the lines above")
	ErrTooWide    = errors.New("ranges such as [a-z] and classes such as \\pL hold too many characters, with those of the lines above")
	ErrNoWord     = errors.New("no letter, digit or symbol in it")
)

// PatternError says what is wrong with one line of the rules.
type PatternError struct {
	Field   string // "triggers" or "blocked"
	Line    int    // from 1
	Pattern string // the line, without the white space around it
	// Err is one of the errors of this package, or a *syntax.Error, whose
	// Code and Expr say what is wrong with the pattern and where.
	Err error
}

// Error describes the error in English.
func (e PatternError) Error() string {
	return fmt.Sprintf("%s, line %d: %q: %v", e.Field, e.Line, e.Pattern, e.Err)
}

// Unwrap returns Err.
func (e PatternError) Unwrap() error { return e.Err }

// PatternErrors is everything that is wrong with the rules, at least one.
type PatternErrors []PatternError

// Error returns one line for each error.
func (e PatternErrors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes each error reachable for errors.Is and errors.As.
func (e PatternErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i := range e {
		errs[i] = e[i]
	}
	return errs
}

// compiler collects rules and what is wrong with them.
type compiler struct {
	rules *Rules
	progs map[string][]program // by field
	total int                  // instructions of progs
	wide  *wide                // counts ranges; nil: they may be as wide as they like
	line  int                  // that is being read
	errs  PatternErrors
}

// program is a pattern that was read.
type program struct {
	field string
	line  int
	text  string // as it was written
	prog  *syntax.Prog
}

// newCompiler reads both lists.
func newCompiler(triggers, blocked string, w *wide) *compiler {
	c := &compiler{rules: &Rules{slurs: slurs()}, progs: make(map[string][]program), wide: w}
	c.triggers(triggers)
	c.blocked(blocked)
	return c
}

// all returns the patterns in the order of Rules.patterns.
func (c *compiler) all() []program { return slices.Concat(c.progs["blocked"], c.progs["triggers"]) }

// join makes one automaton of all patterns.
func (c *compiler) join() {
	var progs []*syntax.Prog
	for _, p := range c.all() {
		progs = append(progs, p.prog)
		c.rules.patterns = append(c.rules.patterns, p.text)
	}
	c.rules.refusing = len(c.progs["blocked"])
	c.rules.found = newAutomaton(progs)
}

// result returns the rules, or what is wrong with them.
func (c *compiler) result() (*Rules, error) {
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return c.rules, nil
}

func (c *compiler) triggers(text string) {
	c.lines("triggers", text, func(pattern string) error {
		if strings.HasPrefix(pattern, "#") {
			return nil
		}
		if pattern == Anything {
			c.rules.any = true
			return nil
		}
		return c.add("triggers", pattern, pattern)
	})
}

// add reads a pattern that stands in a line.
func (c *compiler) add(field, line, pattern string) error {
	if c.wide != nil && !c.wide.add(pattern) {
		return ErrTooWide
	}
	prog, err := compilePattern(pattern)
	if err != nil {
		return err
	}
	if c.total += len(prog.Inst); c.total > maxTotal {
		return ErrAllTooLong
	}
	c.progs[field] = append(c.progs[field], program{field, c.line, line, prog})
	return nil
}

func (c *compiler) blocked(text string) {
	c.lines("blocked", text, func(word string) error {
		if pattern, ok := BlockedPattern(word); ok {
			return c.add("blocked", word, pattern)
		}
		if !c.rules.blocked.add(word) {
			return ErrNoWord
		}
		return nil
	})
}

// BlockedPattern returns the pattern of a line of the blocked words that is one: it stands
// between two "/".
func BlockedPattern(line string) (pattern string, ok bool) {
	if len(line) < 3 || line[0] != '/' || line[len(line)-1] != '/' {
		return "", false
	}
	return line[1 : len(line)-1], true
}

// lines calls add for each line that is not blank, and collects its errors.
func (c *compiler) lines(field, text string, add func(string) error) {
	count := 0
	c.line = 0
	for line := range strings.Lines(text) {
		c.line++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if count++; count > maxLines {
			c.errs = append(c.errs, PatternError{field, c.line, abbreviate(line), ErrTooMany})
			return
		}
		err := ErrTooLong
		if utf8.RuneCountInString(line) <= maxPattern {
			err = add(line)
		}
		if err != nil {
			c.errs = append(c.errs, PatternError{field, c.line, abbreviate(line), err})
		}
	}
}

// abbreviate cuts a line that is too long to show.
func abbreviate(line string) string {
	n := 0
	for i := range line {
		if n++; n > maxPattern {
			return line[:i] + "…"
		}
	}
	return line
}
