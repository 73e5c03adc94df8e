package censor

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxClass is the largest character class, in characters, that is folded one by
// one. Larger ones, such as \pL or [^x], hold the folded characters anyway.
const maxClass = 500

// compilePattern makes the program of a trigger pattern for normalised text.
// The error is a *syntax.Error or ErrTooComplex.
func compilePattern(pattern string) (*syntax.Prog, error) {
	if !utf8.ValidString(pattern) {
		return nil, &syntax.Error{Code: syntax.ErrInvalidUTF8, Expr: strings.ToValidUTF8(pattern, "�")}
	}
	// Before parsing, only what cannot change the meaning of the syntax is
	// normalised: fullwidth brackets, for example, stay letters.
	re, err := syntax.Parse(norm.NFC.String(strings.Map(shown, pattern)), syntax.Perl|syntax.FoldCase)
	if err != nil {
		return nil, err
	}
	foldPattern(re)
	if instructions(re) > maxProgram {
		return nil, ErrTooComplex
	}
	return syntax.Compile(re.Simplify())
}

// shown drops invisible characters. White space stays.
func shown(r rune) rune {
	if unicode.IsSpace(r) {
		return r
	}
	return visible(r)
}

// foldPattern does to the literals and character classes of a pattern what
// Normalize does to the text.
func foldPattern(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		*re = *literal(collapse(fold(string(re.Rune)), false))
	case syntax.OpCharClass:
		foldClass(re)
	default:
		for _, sub := range re.Sub {
			foldPattern(sub)
		}
	}
}

func literal(text string) *syntax.Regexp {
	if text == "" {
		return &syntax.Regexp{Op: syntax.OpEmptyMatch}
	}
	return &syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune(text)}
}

// foldClass adds to a class what its characters fold to. If one folds to
// several characters, as ß does, the class becomes an alternation.
func foldClass(re *syntax.Regexp) {
	count := 0
	for i := 0; i < len(re.Rune); i += 2 {
		count += int(re.Rune[i+1]-re.Rune[i]) + 1
	}
	if count > maxClass {
		return
	}
	// The slice may lie within re itself, which is overwritten below.
	class := &syntax.Regexp{Op: syntax.OpCharClass, Rune: slices.Clone(re.Rune)}
	alternatives := []*syntax.Regexp{class}
	var more []rune
	seen := map[string]bool{"": true}
	for i := 0; i < len(re.Rune); i += 2 {
		for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
			if r < utf8.RuneSelf && byte(r) == lower[r] {
				continue
			}
			folded := fold(string(r))
			if folded == string(r) || seen[folded] {
				continue
			}
			seen[folded] = true
			if runes := []rune(folded); len(runes) == 1 {
				more = append(more, runes[0], runes[0])
			} else {
				alternatives = append(alternatives, literal(folded))
			}
		}
	}
	if len(more) > 0 {
		class.Rune = sortedClass(append(more, re.Rune...))
	}
	if len(alternatives) == 1 {
		*re = *class
		return
	}
	*re = syntax.Regexp{Op: syntax.OpAlternate, Sub: alternatives}
}

// instructions estimates how many instructions the program of a pattern will
// have, before it is made: counted repetitions multiply.
func instructions(re *syntax.Regexp) int {
	sum := 0
	for _, sub := range re.Sub {
		if sum += instructions(sub); sum > maxProgram {
			return sum
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpConcat:
		return sum
	case syntax.OpAlternate:
		return sum + len(re.Sub) - 1
	case syntax.OpCapture:
		return sum + 2
	case syntax.OpRepeat:
		return (sum + 1) * max(re.Min+1, re.Max)
	default:
		return sum + 1
	}
}
