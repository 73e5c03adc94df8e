package frontend

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// browser is somebody who looks at the site.
type browser struct {
	b      *board
	client *http.Client
	lang   string
	agent  string // its User-Agent
}

func (b *board) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return &browser{b: b, lang: "en", client: &http.Client{Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// login is a browser of a moderator who has logged in.
func (b *board) login(email string) *browser {
	b.t.Helper()
	w := b.browser()
	if got := w.post("/login", "email", email, "password", boardPassword); got.status != http.StatusSeeOther {
		b.t.Fatalf("login of %s: status %d", email, got.status)
	}
	return w
}

// answer is a page, parsed.
type answer struct {
	t        *testing.T
	status   int
	location string
	body     string
	doc      *html.Node
}

func (w *browser) do(method, path string, form url.Values) answer {
	w.b.t.Helper()
	req, err := http.NewRequestWithContext(w.b.t.Context(), method, w.b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.b.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", w.lang)
	req.Header.Set("User-Agent", w.agent)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", w.b.url)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.b.t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		w.b.t.Fatal(err)
	}
	return answer{t: w.b.t, status: resp.StatusCode, location: resp.Header.Get("Location"), body: string(body), doc: doc}
}

func (w *browser) get(path string) answer {
	w.b.t.Helper()
	return w.do(http.MethodGet, path, nil)
}

// post sends a form: fields are alternating names and values.
func (w *browser) post(path string, fields ...string) answer {
	w.b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return w.do(http.MethodPost, path, form)
}

// want checks the status and where a redirect leads.
func (a answer) want(status int, location string) answer {
	a.t.Helper()
	if a.status != status || a.location != location {
		a.t.Errorf("status %d to %q, want %d to %q\n%s", a.status, a.location, status, location, a.text(a.doc))
	}
	return a
}

// code checks the status.
func (a answer) code(status int) { a.want(status, a.location) }

// find returns the first element that f accepts, or nil.
func (a answer) find(f func(*html.Node) bool) *html.Node {
	for n := range a.doc.Descendants() {
		if n.Type == html.ElementNode && f(n) {
			return n
		}
	}
	return nil
}

// id returns the element with that id. There must be one; if not, an empty
// element stands in for it.
func (a answer) id(id string) *html.Node {
	a.t.Helper()
	n := a.find(func(n *html.Node) bool { return attr(n, "id") == id })
	if n == nil {
		a.t.Errorf("no element #%s on the page", id)
		return &html.Node{}
	}
	return n
}

// says checks that the element with that id holds the text.
func (a answer) says(id, text string) {
	a.t.Helper()
	if got := a.text(a.id(id)); !strings.Contains(got, text) {
		a.t.Errorf("#%s does not say %q:\n%s", id, text, got)
	}
}

// silent checks that the element with that id does not hold the text.
func (a answer) silent(id, text string) {
	a.t.Helper()
	if got := a.text(a.id(id)); strings.Contains(got, text) {
		a.t.Errorf("#%s says %q:\n%s", id, text, got)
	}
}

// value returns what the field with that id holds.
func (a answer) value(id string) string {
	a.t.Helper()
	n := a.id(id)
	switch n.Data {
	case "textarea":
		return strings.TrimPrefix(a.text(n), "\n")
	case "select":
		for o := range n.Descendants() {
			if o.Data == "option" && hasAttr(o, "selected") {
				return attr(o, "value")
			}
		}
		return ""
	}
	return attr(n, "value")
}

// text returns what the element shows. Runs of spaces become one, except in a
// textarea.
func (a answer) text(n *html.Node) string {
	var words strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			words.WriteString(d.Data)
		}
	}
	if n.Data == "textarea" {
		return words.String()
	}
	return strings.Join(strings.Fields(words.String()), " ")
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// action is where a form is sent to.
func (a answer) action(form string) string {
	a.t.Helper()
	path, _, _ := strings.Cut(attr(a.id(form), "action"), "#")
	return path
}

// filled returns the names and values of the fields of a form as a browser sends them, with
// others for some. A box with "" is not ticked.
func (a answer) filled(form string, others ...string) (list []string) {
	a.t.Helper()
	for n := range a.id(form).Descendants() {
		name, value := attr(n, "name"), attr(n, "value")
		switch {
		case name == "" || n.Data == "button" || slices.Contains([]string{"checkbox", "radio"}, attr(n, "type")) && !hasAttr(n, "checked"):
			continue
		case n.Data == "textarea" || n.Data == "select":
			value = a.value(attr(n, "id"))
		}
		list = append(list, name, value)
	}
	for i := 0; i < len(others); i += 2 {
		if at := slices.Index(list, others[i]); at >= 0 && others[i+1] == "" {
			list = slices.Delete(list, at, at+2)
		} else if others[i+1] != "" {
			list = append(list, others[i], others[i+1])
		}
	}
	return list
}
