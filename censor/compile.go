package censor

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// What can be wrong with a line, besides a *syntax.Error of a trigger pattern.
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
	progs []*syntax.Prog
	at    []int // line of each of progs
	total int   // instructions of progs
	wide  *wide // counts ranges; nil: they may be as wide as they like
	line  int   // that is being read
	errs  PatternErrors
}

// newCompiler reads both lists.
func newCompiler(triggers, blocked string, w *wide) *compiler {
	c := &compiler{rules: &Rules{slurs: slurs()}, wide: w}
	c.triggers(triggers)
	c.blocked(blocked)
	return c
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
		c.progs, c.at = append(c.progs, prog), append(c.at, c.line)
		c.rules.patterns = append(c.rules.patterns, pattern)
		return nil
	})
}

func (c *compiler) blocked(text string) {
	c.lines("blocked", text, func(word string) error {
		if !c.rules.blocked.add(word) {
			return ErrNoWord
		}
		return nil
	})
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
