package kittest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"ticketfrei/internal/report"
)

// Browser is a visitor of the site without JavaScript.
type Browser struct {
	Language string // as "de"; what the browser asks for

	tb     testing.TB
	host   *Host
	client *http.Client
	base   string
}

// visitors gives every browser an address of its own: the site limits how often one
// may log in.
var visitors atomic.Int32

// Browser returns a visitor.
func (h *Host) Browser() *Browser {
	h.tb.Helper()
	jar := must(cookiejar.New(nil))(h.tb)
	n := visitors.Add(1)
	return &Browser{Language: "en", tb: h.tb, host: h, base: h.Config.Web.URL,
		client: &http.Client{Jar: jar, Transport: direct{h.Site, fmt.Sprintf("192.0.%d.%d:4711", n/250, n%250+1)}}}
}

// Moderator returns the moderator of a city, logged in.
func (h *Host) Moderator(city report.City) *Browser {
	h.tb.Helper()
	b := h.Browser()
	b.Post("/login", url.Values{"email": {email(city.Slug)}, "password": {password}}, http.StatusOK)
	return b
}

// direct hands requests to a handler, as from one address.
type direct struct {
	handler http.Handler
	from    string
}

func (d direct) RoundTrip(asked *http.Request) (*http.Response, error) {
	r := asked.Clone(asked.Context())
	r.RequestURI, r.RemoteAddr, r.Host = r.URL.RequestURI(), d.from, r.URL.Host
	if r.Body == nil {
		r.Body = http.NoBody
	}
	recorded := httptest.NewRecorder()
	d.handler.ServeHTTP(recorded, r)
	answer := recorded.Result()
	answer.Request = asked
	return answer, nil
}

// Page is a page as a browser got it.
type Page struct {
	Status int
	Path   string // where redirects led
	Body   string

	tb  testing.TB
	doc *html.Node
}

// Get opens a page and follows redirects.
func (b *Browser) Get(path string, status int) *Page {
	b.tb.Helper()
	return b.do(http.MethodGet, path, nil, status)
}

// Post sends a form and follows redirects.
func (b *Browser) Post(path string, form url.Values, status int) *Page {
	b.tb.Helper()
	return b.do(http.MethodPost, path, form, status)
}

func (b *Browser) do(method, path string, form url.Values, status int) *Page {
	b.tb.Helper()
	r := must(http.NewRequestWithContext(b.tb.Context(), method, b.base+path, strings.NewReader(form.Encode())))(b.tb)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.base)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept-Language", b.Language)
	answer := must(b.client.Do(r))(b.tb)
	defer answer.Body.Close()
	body := must(io.ReadAll(answer.Body))(b.tb)
	p := &Page{Status: answer.StatusCode, Path: answer.Request.URL.RequestURI(), Body: string(body), tb: b.tb}
	if p.Status != status {
		b.tb.Fatalf("%s %s: status %d, want %d\n%s", method, path, p.Status, status, p.Text())
	}
	if bad := missing.FindString(p.Body); bad != "" && b.host.first(bad) {
		b.tb.Errorf("%s shows %q, and so may other pages", path, bad)
	}
	return p
}

func (p *Page) root() *html.Node {
	p.tb.Helper()
	if p.doc == nil {
		p.doc = must(html.Parse(strings.NewReader(p.Body)))(p.tb)
	}
	return p.doc
}

// Text is what a reader sees, with single spaces.
func (p *Page) Text() string {
	p.tb.Helper()
	var b strings.Builder
	for n := range p.root().Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "script":
			b.WriteString(n.Data + " ")
		case n.Data == "textarea" || n.Data == "input" && attribute(n, "type") != "hidden":
			b.WriteString(attribute(n, "value") + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Shows checks that a reader sees each of the texts.
func (p *Page) Shows(texts ...string) {
	p.tb.Helper()
	for _, text := range texts {
		if !strings.Contains(p.Text(), strings.Join(strings.Fields(text), " ")) {
			p.tb.Errorf("%s does not show %q but\n%s", p.Path, text, p.Text())
		}
	}
}

// wrongFields are the names of the fields that something is wrong with.
func (p *Page) wrongFields() []string {
	p.tb.Helper()
	var names []string
	for n := range p.root().Descendants() {
		if attribute(n, "aria-invalid") == "true" {
			names = append(names, attribute(n, "name"))
		}
	}
	return names
}

// isolates tells whether text is set apart from the direction of what is around it.
func (p *Page) isolates(text string) bool {
	p.tb.Helper()
	for n := range p.root().Descendants() {
		if n.Data == "bdi" && n.FirstChild != nil && n.FirstChild.Data == text {
			return true
		}
	}
	return false
}

// HasForm tells whether there is a form that is sent to path.
func (p *Page) HasForm(path string) bool { return p.form(path) != nil }

// Form returns the values of the form that is sent to path.
func (p *Page) Form(path string) url.Values {
	p.tb.Helper()
	form := p.form(path)
	if form == nil {
		p.tb.Fatalf("there is no form for %s on\n%s", path, p.Text())
	}
	values := url.Values{}
	for n := range form.Descendants() {
		if name := attribute(n, "name"); n.Data == "input" && name != "" {
			values.Add(name, attribute(n, "value"))
		}
	}
	return values
}

// chosen is what is chosen in the form that is sent to path.
func (p *Page) chosen(path string) string {
	p.tb.Helper()
	for n := range p.form(path).Descendants() {
		if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" }) {
			return attribute(n, "value")
		}
	}
	return ""
}

func (p *Page) form(path string) *html.Node {
	p.tb.Helper()
	for n := range p.root().Descendants() {
		action, _, _ := strings.Cut(attribute(n, "action"), "#")
		if n.Data == "form" && action == path {
			return n
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
