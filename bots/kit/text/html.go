package text

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTML says how FromHTML reads. The zero value reads everything that a browser
// would show.
type HTML struct {
	// Skip tells whether an element is left out with all that is in it, as
	// quotations are in a mail. Nil leaves out none.
	Skip func(Element) bool
	// Link returns what stands for a link; its text is read without white space around
	// it, and with an "@" that stands before it: some servers put that there. Nil, and
	// the same text, keep it as it is. In place of one of which nothing stays there is
	// white space.
	Link func(link Element, text string) string
}

// Element is the start tag of an element.
type Element struct {
	Name       string // in lower case
	attributes []html.Attribute
}

// Attribute returns the value of an attribute, "" where it has none.
func (e Element) Attribute(name string) string {
	for _, a := range e.attributes {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// HasClass tells whether the element is of a class.
func (e Element) HasClass(class string) bool {
	return slices.Contains(strings.Fields(e.Attribute("class")), class)
}

// FromHTML returns the text of HTML, a line for each line and an empty one
// before each paragraph. White space is joined as a browser does, but for that
// of preformatted text. It goes over the tags once and builds no tree: its time
// does not depend on how they are nested.
func FromHTML(source string, o HTML) string {
	r := &htmlReader{options: o}
	tokens := html.NewTokenizer(strings.NewReader(source))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			r.endLink() // one that is never closed ends here
			return string(r.out)
		case html.TextToken:
			r.text(string(tokens.Text()))
		case html.StartTagToken:
			r.start(tokens.Token())
		case html.EndTagToken:
			r.end(tokens.Token())
		case html.SelfClosingTagToken:
			t := tokens.Token()
			r.start(t)
			r.end(t)
		}
	}
}

// htmlReader writes the text of HTML as lines.
type htmlReader struct {
	options HTML
	out     []byte
	skipped skipped
	link    openLink
	pre     int  // depth of elements that keep their line breaks
	space   bool // white space is due before the next word
	begun   bool // something stands on the line
}

// skipped is the element that is left out.
type skipped struct {
	name  string
	depth int // of elements of that name in it; 0 while nothing is left out
}

// openLink is the link that is being read.
type openLink struct {
	open  bool
	tag   Element
	start int  // where its text begins
	begun bool // something stood on the line before it
}

func (r *htmlReader) text(s string) {
	switch {
	case r.skipped.depth > 0 || s == "":
	case r.pre > 0:
		r.asItStands(s)
	default:
		r.words(s)
	}
}

// asItStands writes preformatted text.
func (r *htmlReader) asItStands(s string) {
	if first, _ := utf8.DecodeRuneInString(s); r.space && r.begun && !unicode.IsSpace(first) {
		r.out = append(r.out, ' ')
	}
	r.out = append(r.out, s...)
	r.begun, r.space = true, false
}

func (r *htmlReader) words(s string) {
	r.space = r.space || isHTMLSpace(rune(s[0]))
	for word := range strings.FieldsFuncSeq(s, isHTMLSpace) {
		if r.space && r.begun {
			r.out = append(r.out, ' ')
		}
		r.out = append(r.out, word...)
		r.begun, r.space = true, true
	}
	r.space = isHTMLSpace(rune(s[len(s)-1]))
}

// isHTMLSpace says whether a browser would merge the character with its like.
func isHTMLSpace(c rune) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' }

// line ends the line, where something stands on it.
func (r *htmlReader) line() {
	if r.begun {
		r.lineBreak()
	}
	r.space = false
}

func (r *htmlReader) lineBreak() {
	r.out = append(r.out, '\n')
	r.begun, r.space = false, false
}

func (r *htmlReader) start(t html.Token) {
	if t.DataAtom == atom.A {
		r.endLink() // links are not nested
	}
	if r.skips(t) {
		return
	}
	switch a := t.DataAtom; {
	case a == atom.A:
		r.startLink(t)
	case a == atom.Br:
		r.lineBreak()
	case a == atom.Pre:
		r.line()
		r.pre++
	case a == atom.P:
		r.line()
		r.lineBreak()
	case isBlock(a):
		r.line()
	case a == atom.Td || a == atom.Th:
		r.space = true
	}
}

func (r *htmlReader) end(t html.Token) {
	a := t.DataAtom
	if a == atom.A {
		r.endLink()
	}
	if r.skipped.depth > 0 && r.endSkipped(t) {
		return
	}
	if a == atom.Pre {
		r.pre = max(r.pre-1, 0)
	}
	if isBlock(a) {
		r.line()
	}
}

// skips tells whether a start tag belongs to what is left out, or begins it.
func (r *htmlReader) skips(t html.Token) bool {
	s := &r.skipped
	if s.depth > 0 && s.name == "p" && isBlock(t.DataAtom) {
		s.depth = 0 // a paragraph ends where another block begins
	}
	switch {
	case s.depth > 0 && t.Data == s.name:
		s.depth++
	case s.depth > 0 || isVoid(t.DataAtom):
	case isHidden(t.DataAtom) || r.options.Skip != nil && r.options.Skip(Element{t.Data, t.Attr}):
		if isBlock(t.DataAtom) {
			r.line()
		}
		*s = skipped{t.Data, 1}
	}
	return s.depth > 0
}

// endSkipped takes an end tag into account while something is left out, and
// tells whether the tag belongs to that.
func (r *htmlReader) endSkipped(t html.Token) bool {
	s := &r.skipped
	switch {
	case t.Data == s.name:
		s.depth--
		if s.depth == 0 && isBlock(t.DataAtom) {
			r.line()
		}
		return true
	case s.name == "p" && isBlock(t.DataAtom):
		s.depth = 0 // so it does where what is around it ends
		return false
	}
	return true
}

func (r *htmlReader) startLink(t html.Token) {
	r.link = openLink{open: true, start: len(r.out), begun: r.begun, tag: Element{t.Data, t.Attr}}
}

// endLink writes what is to stand for the link.
func (r *htmlReader) endLink() {
	l := r.link
	r.link = openLink{}
	if !l.open || r.options.Link == nil {
		return
	}
	text := strings.TrimSpace(string(r.out[l.start:]))
	if text == "" {
		return
	}
	if before, at := bytes.CutSuffix(r.out[:l.start], []byte("@")); at && text[0] != '@' {
		l.start, text = len(before), "@"+text
		l.begun = len(before) > 0 && before[len(before)-1] != '\n'
	}
	instead := r.options.Link(l.tag, text)
	if instead == text {
		return
	}
	r.out = append(r.out[:l.start], instead...)
	r.begun, r.space = l.begun || instead != "", r.space || instead == ""
	if l.begun && instead == "" {
		r.out = bytes.TrimRight(r.out, " ")
	}
}

// isHidden says whether the content of the element is not shown.
func isHidden(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Noscript, atom.Template, atom.Textarea, atom.Iframe, atom.Object, atom.Svg:
		return true
	}
	return false
}

// isVoid says whether the element has no content and no end tag.
func isVoid(a atom.Atom) bool {
	switch a {
	case atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta,
		atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}

// isBlock says whether the element stands on lines of its own.
func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5,
		atom.H6, atom.Hr, atom.Body, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center, atom.Address,
		atom.Dl, atom.Dt, atom.Dd, atom.Form, atom.Fieldset, atom.Legend, atom.Blockquote, atom.Pre, atom.Caption, atom.Thead,
		atom.Tbody, atom.Tfoot, atom.Main, atom.Nav, atom.Aside, atom.Figure, atom.Figcaption, atom.Details, atom.Summary,
		atom.Dialog, atom.Hgroup, atom.Menu, atom.Option, atom.Optgroup:
		return true
	}
	return false
}
