package frontend

import (
	"net/http"
	"net/url"
	"strings"

	"ticketfrei/internal/i18n"
)

// languageLink leads to the page that shows it, in one language.
type languageLink struct {
	Code    string // as "de"
	Name    string // in that language
	Dir     string // how it is written
	URL     string
	Current bool
}

// Languages are the links to the page in each language of riders; none on a page that
// only moderators need.
func (p *page) Languages() []languageLink {
	if p.forModerators {
		return nil
	}
	var links []languageLink
	for _, code := range p.texts.Languages() {
		links = append(links, languageLink{code, p.texts.T(code, "language.name"), i18n.Direction(code), p.in(code), code == p.Lang})
	}
	return links
}

// in is the address of the page in a language. A page that answers a form has none of its
// own: that of its city then, or the first page.
func (p *page) in(lang string) string {
	path, query := p.Path, url.Values{}
	switch {
	case p.posted && p.City.ID != 0:
		path = "/city/" + p.City.Slug
	case p.posted:
		path = "/"
	default:
		for name, values := range p.Query {
			query[name] = values
		}
	}
	query.Set(langParam, lang)
	// Two slashes would begin the name of another site.
	return "/" + strings.TrimLeft((&url.URL{Path: path}).EscapedPath(), "/") + "?" + query.Encode()
}

// Link returns a path of the site, without a query, that keeps the chosen language.
func (p *page) Link(path string) string { return keepLanguage(p.Asked, path) }

// keepLanguage adds the language that a visitor has chosen to a path without a query.
func keepLanguage(asked, path string) string {
	if asked == "" {
		return path
	}
	path, fragment, found := strings.Cut(path, "#")
	if path += "?" + langParam + "=" + asked; found {
		path += "#" + fragment
	}
	return path
}

// keepQuery is a path with the query of a request.
func keepQuery(r *http.Request, path string) string {
	if r.URL.RawQuery == "" {
		return path
	}
	return path + "?" + r.URL.RawQuery
}

// Language returns the language of the page that answers the request: see bots.Site.
func (s *Site) Language(r *http.Request) string { return visitOf(r.Context()).lang }
