package scrub

import (
	"bytes"
	"html"
	"slices"
	"unicode"
	"unicode/utf8"
)

// The kinds of line breaks that may stand within a link.
const (
	noBreak   = 0
	hardBreak = 1 // with the marks of a quote after it
	softBreak = 2 // "=" at the end of a line, as in quoted-printable
)

// plain is a text as a program would read the links in it: without line breaks and
// what cannot be seen, with %2F and &amp; decoded. Of every byte it knows where it
// stands in the text.
type plain struct {
	b      []byte
	at     []span
	breaks []byte // the break before each byte
}

// maxDecoding is how often something is decoded that decodes to something encoded.
const maxDecoding = 4

func newPlain(size int) *plain {
	return &plain{b: make([]byte, 0, size), at: make([]span, 0, size), breaks: make([]byte, 0, size)}
}

func (p *plain) add(b byte, at span, br byte) {
	p.b = append(p.b, b)
	p.at = append(p.at, at)
	p.breaks = append(p.breaks, br)
}

// asPlain returns text as it stands.
func asPlain(text string) *plain {
	p := newPlain(len(text))
	for i := range len(text) {
		p.add(text[i], span{i, i + 1}, noBreak)
	}
	return p
}

// isEncoded tells whether text may say something else when it is decoded.
func isEncoded(text string) bool {
	for i := 0; i < len(text); i++ {
		if !mayBegin(text[i]) {
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		if _, is := standsFor(r); is || r < utf8.RuneSelf {
			return true
		}
		i += n - 1
	}
	return false
}

// withoutBreaks leaves out line breaks. Blanks and blank lines stay, as separators.
func withoutBreaks(text string) *plain {
	p := newPlain(len(text))
	br := byte(noBreak)
	for i := 0; i < len(text); {
		n, kind := 0, byte(noBreak)
		if b := text[i]; b == '=' || b == '\r' || b == '\n' {
			n, kind = lineBreak(text[i:])
		}
		switch {
		case n == 0:
			p.add(text[i], span{i, i + 1}, br)
			br, n = noBreak, 1
		case br != noBreak: // a blank line
			p.add('\n', span{i, i + n}, noBreak)
			br = noBreak
		default:
			br = kind
		}
		i += n
	}
	return p
}

// lineBreak returns how long the line break is that text begins with, with what
// marks a quote on the next line; 0 where there is none.
func lineBreak(text string) (n int, kind byte) {
	kind = hardBreak
	if text[0] == '=' {
		n, kind = 1, softBreak
	}
	if n < len(text) && text[n] == '\r' {
		n++
	}
	if n == len(text) || text[n] != '\n' {
		return 0, noBreak
	}
	n++
	for n < len(text) && isQuote(text[n]) {
		n++
	}
	return n, kind
}

// isQuote tells whether b may stand before the words of a line that is quoted.
func isQuote(b byte) bool { return b == '>' || b == '|' || isBlank(b) }

// decoded decodes once what is encoded, and leaves out what cannot be seen.
func (p *plain) decoded() *plain {
	if !slices.ContainsFunc(p.b, mayBegin) {
		return p
	}
	next := newPlain(len(p.b))
	br := byte(noBreak)
	for i := 0; i < len(p.b); {
		out, n := decode(p.b[i:])
		where := span{p.at[i].from, p.at[i+n-1].to}
		for _, b := range p.breaks[i : i+n] {
			br = max(br, b)
		}
		for _, b := range out {
			next.add(b, where, br)
			br = noBreak
		}
		i += n
	}
	return next
}

// mayBegin tells whether something encoded may begin with b.
func mayBegin(b byte) bool { return b == '%' || b == '\\' || b == '&' || b >= utf8.RuneSelf }

// decode returns what b begins with, and how many bytes of b that is.
func decode(b []byte) (out []byte, n int) {
	switch {
	case b[0] == '%':
		if len(b) >= 3 && isHex(b[1]) && isHex(b[2]) {
			return []byte{hex(b[1])<<4 | hex(b[2])}, 3
		}
	case b[0] == '\\':
		if len(b) >= 2 && b[1] > ' ' && b[1] < utf8.RuneSelf && !isToken(rune(b[1])) || len(b) >= 2 && (b[1] == '_' || b[1] == '-') {
			return b[1:2], 2 // as in markdown
		}
	case b[0] == '&':
		return decodeEntity(b)
	case b[0] >= utf8.RuneSelf:
		r, n := utf8.DecodeRune(b)
		switch letter, is := standsFor(r); {
		case !is:
			return b[:n], n
		case letter < 0:
			return nil, n
		default:
			return []byte{byte(letter)}, n
		}
	}
	return b[:1], 1
}

// maxEntity is how long the name of an entity is at most.
const maxEntity = 12

func decodeEntity(b []byte) (out []byte, n int) {
	end := bytes.IndexByte(b[:min(len(b), maxEntity)], ';')
	if end < 0 {
		return b[:1], 1
	}
	name := string(b[:end+1])
	if s := html.UnescapeString(name); s != name {
		return []byte(s), end + 1
	}
	return b[:1], 1
}

// standsFor returns the letter that r is another form of: full-width letters, full
// stops of other scripts. What cannot be seen stands for nothing, -1.
func standsFor(r rune) (letter rune, is bool) {
	const fullWidth = 'ａ' - 'a'
	switch {
	case r < utf8.RuneSelf:
		return r, false
	case r == '。' || r == '．' || r == '｡' || r == '﹒':
		return '.', true
	case r == '﹫':
		return '@', true
	case '！' <= r && r <= '～':
		return r - fullWidth, true
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector) || r == '\u034f':
		return -1, true
	case unicode.IsSpace(r):
		return ' ', true
	}
	return r, false
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

func hex(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b&^0x20 - 'A' + 10
}
