package filter

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/expr-lang/expr/ast"

	"ticketfrei/censor"
)

// pattern checks a fixed pattern: how big it is, before it is made.
func (f *fence) pattern(n *ast.BinaryNode) {
	s, ok := n.Right.(*ast.StringNode)
	if !ok {
		f.fail(n, Error{Kind: NotFixed, Word: "matches"})
		return
	}
	f.classes += strings.Count(strings.ToLower(s.Value), `\p`)
	f.folded += folded(s.Value)
	err := errTooLong
	if f.classes <= maxClasses && f.folded <= maxFolded {
		_, err = patternSize(s.Value)
	}
	if err != nil {
		f.fail(s, Error{Kind: BadPattern, Word: cut(s.Value, 40), Why: err.Error()})
	}
}

// Bounds of a pattern, so that it is made in no time.
const (
	maxPattern  = 200 // characters
	maxBranches = 300 // steps for each character of a text
	maxClasses  = 4   // classes such as \pL, which are large, of all patterns together
	maxFolded   = 2000
)

// patternSize returns how many steps a pattern has for each character of a text.
func patternSize(pattern string) (int, error) {
	if len([]rune(pattern)) > maxPattern {
		return 0, errTooLong
	}
	r, err := syntax.Parse(pattern, syntax.Perl)
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		return 0, errors.New(e.Code.String())
	}
	if err != nil {
		return 0, err
	}
	size := branches(r)
	if size > maxBranches {
		return 0, errTooLong
	}
	return size, nil
}

var errTooLong = errors.New("it is too long")

func branches(r *syntax.Regexp) int {
	size := 1
	if r.Op == syntax.OpLiteral {
		size = len(r.Rune)
	}
	for _, sub := range r.Sub {
		size += branches(sub)
	}
	if r.Op == syntax.OpRepeat {
		size *= max(r.Min+1, r.Max)
	}
	return size
}

// folds is what has a pattern look at upper and lower case alike.
var folds = regexp.MustCompile(`\(\?[imsU]*i`)

// folded returns how many characters are in the ranges, such as "a-z", of a pattern that
// looks at upper and lower case alike: each of them is looked up when it is made.
func folded(pattern string) int {
	if !folds.MatchString(pattern) {
		return 0
	}
	n := 0
	for first, last := range censor.Ranges([]rune(pattern)) {
		n += max(0, last-first)
	}
	return n
}
