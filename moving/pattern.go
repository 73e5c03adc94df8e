package moving

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pythonWord is what \w means in Python: of every language.
const pythonWord = `\pL\pN_`

var (
	pythonFlags  = regexp.MustCompile(`^\(\?([a-zA-Z]*)(-[a-zA-Z]+)?([:)])`)
	pythonAtMost = regexp.MustCompile(`^\{,(\d*)\}`)
	pythonRune   = regexp.MustCompile(`^\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))`)
	plainWord    = regexp.MustCompile(`^\\b([\pL\pN]+)\\b$`)
)

// fromPython writes a pattern of Python's module re so that it finds the same here. ok is false
// where it has something that is known to have no word here; whether the rest is a pattern,
// package censor says.
//
// Texts are one line here, with single spaces, and lines of rules are trimmed: white space at
// an end becomes \s, and a run of it one.
func fromPython(pattern string) (line string, ok bool) {
	if !utf8.ValidString(pattern) || strings.ContainsRune(pattern, 0) {
		return "", false
	}
	p := python{rest: pattern}
	for p.rest != "" && !p.cannot {
		p.step()
	}
	line = p.out.String()
	if p.space {
		line += `\s`
	}
	return line, !p.cannot
}

// python reads a pattern of Python's.
type python struct {
	rest   string
	out    strings.Builder
	space  bool // white space is due before what comes
	within bool // in brackets
	cannot bool // there is something that cannot be said
}

// step reads the next part of the pattern.
func (p *python) step() {
	r, size := utf8.DecodeRuneInString(p.rest)
	escaped := r == '\\' && len(p.rest) > 1
	if escaped {
		r, size = utf8.DecodeRuneInString(p.rest[1:])
		size++
	}
	switch {
	case unicode.IsSpace(r) && !p.within:
		p.space, p.rest = true, p.rest[size:]
		return
	case unicode.IsSpace(r):
		p.take(size, `\s`)
	case escaped:
		p.escape(r, size)
	case p.within:
		p.bracketed(r, size)
	default:
		p.plain(r, size)
	}
}

// take goes on behind size bytes, and writes what they mean here.
func (p *python) take(size int, here string) {
	if p.space {
		if p.out.Len() == 0 {
			p.out.WriteString(`\s`)
		} else {
			p.out.WriteByte(' ')
		}
	}
	p.out.WriteString(here)
	p.space, p.rest = false, p.rest[size:]
}

// escape reads what stands behind a backslash.
func (p *python) escape(r rune, size int) {
	switch {
	case r == 'w' && p.within:
		p.take(size, pythonWord)
	case r == 'w':
		p.take(size, "["+pythonWord+"]")
	case r == 'W' && p.within:
		p.cannot = true
	case r == 'W':
		p.take(size, "[^"+pythonWord+"]")
	case r == 'u' || r == 'U':
		m := pythonRune.FindStringSubmatch(p.rest)
		if p.cannot = m == nil; m != nil {
			p.take(len(m[0]), `\x{`+m[1]+m[2]+"}")
		}
	case r >= utf8.RuneSelf:
		p.take(size, string(r))
	case strings.ContainsRune("pPQEzC", r): // mean something here, and nothing there
		p.cannot = true
	default:
		p.take(size, `\`+string(r))
	}
}

// bracketed reads a character in brackets.
func (p *python) bracketed(r rune, size int) {
	switch r {
	case ']':
		p.within = false
		p.take(size, "]")
	case '[': // begins nothing there
		p.take(size, `\[`)
	default:
		p.take(size, string(r))
	}
}

// plain reads what stands outside of brackets.
func (p *python) plain(r rune, size int) {
	switch r {
	case '[':
		p.within = true
		begin := "["
		for _, next := range []string{"^", "]"} {
			if strings.HasPrefix(p.rest[len(begin):], next) {
				begin += next
			}
		}
		p.take(len(begin), begin)
	case '{':
		m := pythonAtMost.FindStringSubmatch(p.rest)
		if m == nil {
			p.take(size, "{")
		} else {
			p.take(len(m[0]), "{0,"+m[1]+"}")
		}
	case '(':
		p.group()
	default:
		p.take(size, string(r))
	}
}

// group reads the beginning of a group, or flags.
func (p *python) group() {
	m := pythonFlags.FindStringSubmatch(p.rest)
	if m == nil {
		p.take(1, "(")
		return
	}
	flags := strings.Map(func(r rune) rune {
		if strings.ContainsRune("auL", r) { // texts are in Unicode
			return -1
		}
		return r
	}, m[1])
	switch {
	case strings.Trim(flags, "is") != "" || strings.ContainsRune(m[2], 'm'):
		p.cannot = true
	case flags+m[2] == "" && m[3] == ")":
		p.take(len(m[0]), "")
	default:
		p.take(len(m[0]), "(?"+flags+m[2]+m[3])
	}
}
