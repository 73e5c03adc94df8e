package mailtext

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// extent is an element that something holds within. Those of its kind in it are counted,
// so that its end is known without a tree.
type extent struct {
	tag  string
	open int
}

func (s *extent) begin(tag string) { *s = extent{tag, 1} }

// start counts an element that begins within it. A paragraph ends where another block
// begins.
func (s *extent) start(t html.Token) {
	switch {
	case s.open == 0:
	case s.tag == "p" && isBlock(t.DataAtom):
		s.open = 0
	case s.tag == t.Data:
		s.open++
	}
}

// end counts an element that ends, and says whether the extent does.
func (s *extent) end(t html.Token) bool {
	if s.open == 0 || s.tag != t.Data {
		return false
	}
	s.open--
	return s.open == 0
}

// nest looks whether an element begins that is not shown or holds another mail.
func (r *htmlReader) nest(t html.Token) {
	for _, s := range []*extent{&r.hidden, &r.quote, &r.inner} {
		s.start(t)
	}
	switch {
	case r.hidden.open > 0 || r.rest:
	case isUnseen(t.DataAtom) || r.isSignature(t) || !r.showHidden && isHidden(t) && !isEndless(t.DataAtom):
		r.hidden.begin(t.Data)
	case beginsRest(t):
		r.mark()
		r.rest = true
	case r.quote.open > 0:
		r.nestInner(t)
	case isQuote(t) && !isEndless(t.DataAtom):
		r.mark()
		r.quote.begin(t.Data)
		r.last = 0
	}
}

// mark begins a quotation, which has more than one line that somebody may have begun
// with an arrow.
func (r *htmlReader) mark() {
	r.line()
	r.out.WriteString(">\n")
}

// nestInner looks for the quotation proper in an element that begins with nothing
// but its attribution: what follows it was written for this mail.
func (r *htmlReader) nestInner(t html.Token) {
	if t.DataAtom == atom.Blockquote && r.quote.tag != t.Data && r.inner.open == 0 && (r.last == 0 || r.last == ':' || r.last == '：') {
		r.inner.begin(t.Data)
	}
}

func (r *htmlReader) unnest(t html.Token) {
	r.hidden.end(t)
	inner := r.inner.end(t)
	if inner || r.quote.end(t) {
		r.line()
		r.quote.open, r.inner.open = 0, 0
	}
}

// isUnseen says whether what an element holds is never text.
func isUnseen(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Title, atom.Noscript, atom.Template, atom.Textarea, atom.Iframe, atom.Object, atom.Svg:
		return true
	}
	return false
}

// isEndless says whether an element has no end.
func isEndless(a atom.Atom) bool {
	switch a {
	case atom.Br, atom.Hr, atom.Img, atom.Input, atom.Meta, atom.Link, atom.Wbr, atom.Area, atom.Base, atom.Col, atom.Embed,
		atom.Source, atom.Track, atom.Param:
		return true
	}
	return false
}

// quoteNames are classes, ids, names and markers of elements in which programs put the
// mail that is answered, or the line above it.
var quoteNames = []string{
	"gmail_quote", "gmail_quote_container", "gmail_attr", "yahoo_quoted", "moz-cite-prefix", "moz-forward-container",
	"protonmail_quote", "tutanota_quote", "zmail_extra", "blockquote_zmail", "quote", "quoted-content", "olk_src_body_section",
	"ms-outlook-mobile-reference-message", "mail-editor-reference-message-container", "reply-intro", "messagereplysection",
	"spark_quote", "isreplycontent", "isforwardcontent", "qmbox", "airmail_on", "__headers__", "__quoted_text__",
	"mail_android_quote", "aqm-original", "quoted_header", "reference",
}

// restNames are those of elements that begin it: all that follows is quoted.
var restNames = []string{"divrplyfwdmsg", "appendonsend", "outlookmessageheader", "zwchr", "__divider__", "stopspelling"}

// isQuote says whether the element holds the mail that is answered.
func isQuote(t html.Token) bool {
	return t.DataAtom == atom.Blockquote || slices.ContainsFunc(names(t), func(name string) bool {
		return slices.Contains(quoteNames, name) || strings.HasPrefix(name, "yahoo_quoted")
	})
}

func beginsRest(t html.Token) bool {
	return slices.ContainsFunc(names(t), func(name string) bool {
		return slices.Contains(restNames, name) || strings.HasPrefix(name, "divrpf")
	})
}

// names returns what an element is called, in lower case, without what Outlook puts
// before the names of others.
func names(t html.Token) (list []string) {
	for _, a := range t.Attr {
		switch a.Key {
		case "class", "id", "name", "data-marker", "data-smartmail", "fairemail":
			for name := range strings.FieldsSeq(strings.ToLower(a.Val)) {
				list = append(list, strings.TrimPrefix(name, "x_"))
			}
		case "data-signature-widget":
			list = append(list, a.Key)
		}
	}
	return list
}

// isHidden says whether the element is there for programs that show the beginning of a
// mail in a list, or for nobody.
func isHidden(t html.Token) bool {
	for _, a := range t.Attr {
		if a.Key == "hidden" || a.Key == "style" && hides(a.Val) {
			return true
		}
	}
	return false
}

func hides(style string) bool {
	flat, clipped := false, false
	for declaration := range strings.SplitSeq(strings.ToLower(style), ";") {
		name, value, _ := strings.Cut(declaration, ":")
		value, _, _ = strings.Cut(strings.TrimSpace(value), "!")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "display":
			if value == "none" {
				return true
			}
		case "visibility", "mso-hide":
			if value == "hidden" || value == "all" || value == "collapse" {
				return true
			}
		case "font-size", "max-height", "opacity":
			if isZero(value) {
				return true
			}
		case "height":
			flat = isZero(value)
		case "overflow":
			clipped = value == "hidden"
		}
	}
	return flat && clipped
}

// isZero says whether a length or number of CSS is nothing: "0", "0px", "0.0%".
func isZero(value string) bool {
	number := strings.TrimRight(value, "abcdefghijklmnopqrstuvwxyz%")
	return number != "" && strings.Trim(number, "0.") == ""
}
