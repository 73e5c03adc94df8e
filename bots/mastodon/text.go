package mastodon

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// plainText turns the content of a status into plain text: a line for each
// line and paragraph, links and other people's mentions as they are written,
// and without the mentions of own.
func plainText(content string, own mentionOf) string {
	r := &textReader{own: own, tokens: html.NewTokenizer(strings.NewReader(content))}
	for r.next() {
	}
	return tidy(own.strip(string(r.text)))
}

// textReader collects the text of HTML.
type textReader struct {
	own    mentionOf
	tokens *html.Tokenizer
	text   []byte

	// Of the link that is being read:
	href  string
	start int // where its text begins; the text before it stays
	depth int // 0 outside of links
	skip  int // depth of elements whose content is no text
}

// next reads one token and tells whether there are more.
func (r *textReader) next() bool {
	switch r.tokens.Next() {
	case html.ErrorToken:
		r.endLink() // a link that is never closed ends with the content
		return false
	case html.TextToken:
		if r.skip == 0 {
			r.text = append(r.text, r.tokens.Text()...)
		}
	case html.StartTagToken:
		r.startTag()
	case html.SelfClosingTagToken:
		r.breakLine(r.tagName())
	case html.EndTagToken:
		r.endTag()
	}
	return true
}

func (r *textReader) tagName() atom.Atom {
	tag, _ := r.tokens.TagName()
	return atom.Lookup(tag)
}

func (r *textReader) startTag() {
	tag, attributes := r.tokens.TagName()
	switch a := atom.Lookup(tag); a {
	case atom.A:
		r.endLink()
		r.depth, r.start, r.href = 1, len(r.text), ""
		for attributes {
			var key, value []byte
			if key, value, attributes = r.tokens.TagAttr(); string(key) == "href" {
				r.href = string(value)
			}
		}
	case atom.Script, atom.Style:
		r.skip++
	default:
		r.breakLine(a)
	}
}

func (r *textReader) endTag() {
	switch a := r.tagName(); a {
	case atom.A:
		r.endLink()
	case atom.Script, atom.Style:
		r.skip = max(0, r.skip-1)
	case atom.Br:
	default:
		r.breakLine(a)
	}
}

// breakLine begins a new line where the element does.
func (r *textReader) breakLine(a atom.Atom) {
	switch a {
	case atom.Br, atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Blockquote, atom.Pre,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		r.text = append(r.text, '\n')
	}
}

// endLink drops the text of a link that mentions the bot.
func (r *textReader) endLink() {
	if r.depth == 0 {
		return
	}
	r.depth = 0
	if r.own.is(r.href, string(r.text[r.start:])) {
		r.text = append(r.text[:r.start], ' ')
	}
}

// tidy trims every line, joins spaces and drops empty lines and the characters
// that cannot be seen.
func tidy(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.FieldsFunc(line, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
		if len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return strings.Join(lines, "\n")
}

// mentionOf recognises the mentions of one account.
type mentionOf struct {
	urls   []string // of its profile, as links point to it
	handle string   // "bot@mastodon.example"
}

// is tells whether a link with this target and text mentions the account.
func (m mentionOf) is(href, text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	user, _, _ := strings.Cut(m.handle, "@")
	if text == "@"+m.handle {
		return true
	}
	if text != "@"+user {
		return false
	}
	for _, u := range m.urls {
		if strings.EqualFold(u, href) {
			return true
		}
	}
	return false
}

// strip removes the full handle where it stands in the text and is no link.
func (m mentionOf) strip(text string) string {
	if m.handle == "" {
		return text
	}
	mention := "@" + m.handle
	var kept strings.Builder
	for {
		at := indexFold(text, mention)
		if at < 0 {
			break
		}
		end := at + len(mention)
		if continues(text[end:]) {
			kept.WriteString(text[:end])
		} else {
			kept.WriteString(text[:at] + " ")
		}
		text = text[end:]
	}
	return kept.String() + text
}

// continues tells whether rest goes on with the same host name.
func continues(rest string) bool {
	if rest == "" {
		return false
	}
	c := rest[0]
	word := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
	}
	return word(c) || c == '-' || c == '.' && len(rest) > 1 && word(rest[1])
}

// indexFold is strings.Index without regard to the case of ASCII letters,
// which is what handles are made of.
func indexFold(text, lower string) int {
	for i := 0; i+len(lower) <= len(text); i++ {
		if strings.EqualFold(text[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}
