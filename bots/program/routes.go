package program

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// requestsAtOnce is how many requests of visitors a program of a city may have in hand.
const requestsAtOnce = 8

// contentTypes are what a program may answer with.
var contentTypes = map[string]string{
	"": "text/plain; charset=utf-8", "text/plain": "text/plain; charset=utf-8", "text/html": "text/html; charset=utf-8",
	"text/csv": "text/csv; charset=utf-8", "text/calendar": "text/calendar; charset=utf-8", "application/json": "application/json",
	"application/geo+json": "application/geo+json", "application/atom+xml": "application/atom+xml; charset=utf-8",
}

// PublicRoutes adds the routes of the program.
func (n *Network) PublicRoutes(r chi.Router, site bots.Site) {
	p := &pages{n, site}
	for _, path := range n.manifest.Routes {
		h := site.Handler(func(w http.ResponseWriter, r *http.Request) error { return p.handleRoute(w, r, path) })
		r.Get("/"+path, h)
		r.Post("/"+path, h)
	}
}

// pageError is what a visitor is told.
func pageError(status int, id string, err error) error {
	return &bots.PageError{Status: status, ID: id, Err: err}
}

// handleRoute has the program answer a request.
func (p *pages) handleRoute(w http.ResponseWriter, r *http.Request, path string) error {
	b, err := p.botOf(r.Context(), p.site.City(r))
	if err != nil {
		return err
	}
	l, err := request(r, path)
	if err != nil {
		return err
	}
	ctx, done := context.WithTimeout(r.Context(), p.manifest.Answer+readyWait)
	defer done()
	got, err := p.ask(ctx, b.ID, l)
	switch {
	case errors.Is(err, errBusy):
		return pageError(http.StatusServiceUnavailable, "error.busy", err)
	case errors.Is(err, errLongLine):
		return pageError(http.StatusRequestEntityTooLarge, "error.too_large", err)
	case err != nil:
		return pageError(http.StatusServiceUnavailable, "error.internal", err)
	case got.Type == fromFailed:
		return pageError(http.StatusBadGateway, "error.internal", words(got.Error))
	}
	return respond(w, got)
}

// botOf returns the bot of a city that is switched on.
func (p *pages) botOf(ctx context.Context, city report.City) (report.Bot, error) {
	b, err := p.host.DB.FindBot(ctx, city.ID, p.manifest.Network)
	if errors.Is(err, db.ErrNotFound) || err == nil && !b.Enabled {
		return report.Bot{}, pageError(http.StatusNotFound, "error.not_found", err)
	}
	return b, err
}

// request is the line of a request. The site has read the form of a POST.
func request(r *http.Request, path string) (*toLine, error) {
	l := &toLine{Type: toRequest, Method: r.Method, Path: &path, Query: &r.URL.RawQuery, Language: r.Header.Get("Accept-Language")}
	if r.Method == http.MethodHead {
		l.Method = http.MethodGet
	}
	l.Language = cut(l.Language, 100)
	contentType, _, _ := strings.Cut(cut(r.Header.Get("Content-Type"), 100), ";")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, pageError(http.StatusRequestEntityTooLarge, "error.too_large", err)
	}
	content := string(body)
	if len(r.PostForm) > 0 {
		content = url.Values(r.PostForm).Encode()
	}
	if !utf8.ValidString(content) {
		return nil, pageError(http.StatusBadRequest, "error.bad_form", errors.New("the body of a request to a program is no UTF-8"))
	}
	l.ContentType, l.Body = &contentType, &content
	return l, nil
}

// respond writes what the program answered.
func respond(w http.ResponseWriter, l fromLine) error {
	kind, known := contentTypes[strings.TrimSuffix(strings.ReplaceAll(strings.ToLower(l.ContentType), " ", ""), ";charset=utf-8")]
	if !known {
		return pageError(http.StatusBadGateway, "error.internal", errors.New("the program answered with a content_type that is not one of those that it may"))
	}
	status := http.StatusOK
	if n, ok := l.Status.(float64); ok {
		status = int(n)
	}
	if status < 200 || status > 599 || status >= 300 && status < 400 {
		return pageError(http.StatusBadGateway, "error.internal", errors.New("the program answered with a status that it may not"))
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, l.Text) // the visitor may have gone
	return nil
}
