package app

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// pagePart returns the element with that id; if id is the name of a tag, the
// first element of that name. It is nil if there is none.
func pagePart(doc *html.Node, id string) *html.Node {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (n.Data == id || attr(n, "id") == id) {
			return n
		}
	}
	return nil
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// part is pagePart for a page that must have that part.
func (b *browser) part(page, id string) *html.Node {
	b.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		b.Fatal(err)
	}
	n := pagePart(doc, id)
	if n == nil {
		b.Fatalf("the page has no %s:\n%s", id, page)
	}
	return n
}

// reads returns the text of the part of a page with that id.
func (b *browser) reads(page, id string) string {
	b.Helper()
	return textOf(b.part(page, id))
}

// textOf returns the text of an element on one line.
func textOf(e *html.Node) string {
	var text strings.Builder
	for n := range e.Descendants() {
		if n.Type == html.TextNode {
			text.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

// submit sends the form in a part of a page whose address ends with action. It
// sends what the form holds, except for the fields in typed.
func (b *browser) submit(page, id, action string, typed url.Values) string {
	b.Helper()
	return b.submitIn(b.part(page, id), action, typed)
}

// submitIn is submit for a part of a page that was found already.
func (b *browser) submitIn(part *html.Node, action string, typed url.Values) string {
	b.Helper()
	for form := range part.Descendants() {
		path, _, _ := strings.Cut(attr(form, "action"), "#")
		if form.Data != "form" || !strings.HasSuffix(path, action) {
			continue
		}
		values := hiddenFields(form)
		for name, list := range typed {
			values[name] = list
		}
		return b.post(path, values, http.StatusOK)
	}
	b.Fatalf("there is no form for %s in:\n%s", action, textOf(part))
	return ""
}

func hiddenFields(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		if n.Data == "input" && attr(n, "type") == "hidden" {
			values.Add(attr(n, "name"), attr(n, "value"))
		}
	}
	return values
}
