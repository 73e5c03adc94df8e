package mailtext

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText returns the text of a mail's HTML without what it quotes, or the
// quotation where there is nothing else.
func htmlText(source string) string {
	if text := readHTML(source, true); strings.TrimSpace(text) != "" {
		return text
	}
	return readHTML(source, false)
}

// readHTML goes over the tags once and builds no tree, so that deep nesting costs
// no time.
func readHTML(source string, skipQuotes bool) string {
	r := &htmlReader{skipQuotes: skipQuotes}
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
	skipQuotes bool
	hidden     int  // depth of elements whose content is not shown
	quoted     int  // depth of quotations
	pre        int  // depth of elements that keep their line breaks
	space      bool // white space is due before the next word
	begun      bool // something stands on the line
}

func (r *htmlReader) text(s string) {
	if r.hidden > 0 || r.skipQuotes && r.quoted > 0 {
		return
	}
	s = html.UnescapeString(s)
	if r.pre > 0 {
		r.out.WriteString(s)
		r.begun = r.begun || s != ""
		return
	}
	for i, word := range strings.FieldsFunc(s, isHTMLSpace) {
		if (i > 0 || r.space || isHTMLSpace(rune(s[0]))) && r.begun {
			r.out.WriteByte(' ')
		}
		r.out.WriteString(word)
		r.begun, r.space = true, false
	}
	if s != "" && isHTMLSpace(rune(s[len(s)-1])) {
		r.space = true
	}
}

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
	switch {
	case isHidden(t.DataAtom):
		r.hidden++
	case isQuote(t):
		r.line()
		r.quoted++
	case t.DataAtom == atom.Br:
		r.out.WriteByte('\n')
		r.begun, r.space = false, false
	case t.DataAtom == atom.Pre:
		r.line()
		r.pre++
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
	switch {
	case isHidden(t.DataAtom):
		r.hidden = max(r.hidden-1, 0)
	case t.DataAtom == atom.Blockquote:
		r.quoted = max(r.quoted-1, 0)
		r.line()
	case t.DataAtom == atom.Pre:
		r.pre = max(r.pre-1, 0)
		r.line()
	case isBlock(t.DataAtom):
		r.line()
	}
}

func isHidden(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Noscript, atom.Template, atom.Textarea, atom.Iframe, atom.Object, atom.Svg:
		return true
	}
	return false
}

// isQuote says whether the element holds the mail that is answered.
func isQuote(t html.Token) bool { return t.DataAtom == atom.Blockquote }

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5,
		atom.H6, atom.Hr, atom.Body, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center, atom.Address,
		atom.Dl, atom.Dt, atom.Dd, atom.Form, atom.Fieldset:
		return true
	}
	return false
}
