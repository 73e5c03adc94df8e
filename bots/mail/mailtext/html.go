package mailtext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText returns the text of a mail's HTML. What it quotes begins with ">", as in a
// plain text. What is not shown is left out, unless there is nothing else.
func htmlText(source string) string {
	if text := readHTML(source, false); strings.Trim(text, "> \n") != "" {
		return text
	}
	return readHTML(source, true)
}

// readHTML goes over the tags once and builds no tree, so that deep nesting costs
// no time.
func readHTML(source string, showHidden bool) string {
	r := &htmlReader{showHidden: showHidden}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return r.out.String()
		case html.TextToken:
			r.text(string(z.Text()))
		case html.StartTagToken:
			r.start(z.Token())
		case html.EndTagToken:
			r.end(z.Token())
		case html.SelfClosingTagToken:
			t := z.Token()
			r.start(t)
			r.end(t)
		}
	}
}

// htmlReader writes the text of HTML as lines.
type htmlReader struct {
	out        strings.Builder
	showHidden bool
	hidden     extent // an element that is not shown
	quote      extent // an element that holds the mail that is answered
	inner      extent // the quotation proper, in an element that holds its attribution too
	rest       bool   // all that follows is quoted
	signs      bool   // a signature follows
	pre        int    // depth of elements that keep their line breaks
	space      bool   // white space is due before the next word
	seam       bool   // a link begins or ends here
	begun      bool   // something stands on the line
	last       rune   // of what was written, or of the quotation
}

func (r *htmlReader) text(s string) {
	if r.hidden.open > 0 || s == "" {
		return
	}
	s = html.UnescapeString(s)
	if r.pre > 0 {
		r.preformatted(s)
		return
	}
	for i, word := range strings.FieldsFunc(s, isHTMLSpace) {
		if (i > 0 || r.space || isHTMLSpace(rune(s[0])) || r.glued(word)) && r.begun {
			r.out.WriteByte(' ')
		}
		r.write(word)
		r.space, r.seam = false, false
	}
	if s != "" && isHTMLSpace(rune(s[len(s)-1])) {
		r.space = true
	}
}

func (r *htmlReader) preformatted(s string) {
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			r.out.WriteByte('\n')
			r.begun = false
		}
		if line != "" {
			r.write(line)
		}
	}
}

// write writes s, with a mark before it where it begins a line of a quotation.
func (r *htmlReader) write(s string) {
	if !r.begun && (r.rest || r.quote.open > 0) {
		r.out.WriteString("> ")
	}
	r.out.WriteString(s)
	r.begun = true
	if last, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(s, isMark)); last != utf8.RuneError {
		r.last = last
	}
}

// glued says whether a link and a word that is none would become one.
func (r *htmlReader) glued(word string) bool {
	first, _ := utf8.DecodeRuneInString(word)
	return r.seam && sticks(r.last) && sticks(first)
}

func sticks(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) || c == '/' }

// isMark says whether c marks a direction or is not seen.
func isMark(c rune) bool { return unicode.Is(unicode.Cf, c) }

// isHTMLSpace says whether c is white space of which a browser shows one blank,
// however much there is.
func isHTMLSpace(c rune) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' }

func (r *htmlReader) line() {
	if r.begun {
		r.out.WriteByte('\n')
	}
	r.begun, r.space = false, false
}

func (r *htmlReader) start(t html.Token) {
	r.nest(t)
	if r.hidden.open > 0 {
		return
	}
	switch {
	case t.DataAtom == atom.Br:
		r.out.WriteByte('\n')
		r.begun, r.space = false, false
	case t.DataAtom == atom.Pre:
		r.line()
		r.pre++
	case t.DataAtom == atom.A:
		r.seam = true
	case isBlock(t.DataAtom):
		r.line()
		if t.DataAtom == atom.P {
			r.out.WriteByte('\n')
		}
	case t.DataAtom == atom.Td || t.DataAtom == atom.Th:
		r.space = true
	}
}

func (r *htmlReader) end(t html.Token) {
	r.unnest(t)
	switch {
	case t.DataAtom == atom.Pre:
		r.pre = max(r.pre-1, 0)
		r.line()
	case t.DataAtom == atom.A:
		r.seam = true
	case isBlock(t.DataAtom):
		r.line()
	}
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5,
		atom.H6, atom.Hr, atom.Body, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center, atom.Address,
		atom.Dl, atom.Dt, atom.Dd, atom.Form, atom.Fieldset, atom.Blockquote:
		return true
	}
	return false
}
