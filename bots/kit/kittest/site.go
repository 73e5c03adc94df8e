package kittest

import (
	"context"
	"errors"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit"
	"ticketfrei/db"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
	"ticketfrei/templates"
)

// Site stands in for the frontend where a test asserts what a network's pages
// are given, and not what they look like. S is what settings.tmpl sees as
// .Data, P what the network's other pages see.
type Site[S, P any] struct {
	DB    *db.DB
	Texts *i18n.Catalogue
	// Visited is the city that every request is about.
	Visited report.City
	// Shown is what the settings page was last answered with.
	Shown S
	// Said is what was said last when something was saved.
	Said string
	// ShownPage is what a page was last written with.
	ShownPage P
	// Answered is what the city page last said of a report.
	Answered bots.Said
}

var _ bots.Site = (*Site[any, any])(nil)

// Handler answers an error with its text and 500, or the status of a
// bots.PageError.
func (s *Site[S, P]) Handler(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if p, ok := errors.AsType[*bots.PageError](err); ok {
			http.Error(w, err.Error(), p.Status)
		} else if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

// City returns s.Visited.
func (s *Site[S, P]) City(*http.Request) report.City { return s.Visited }

// ClientIP returns where the request came from.
func (s *Site[S, P]) ClientIP(r *http.Request) string { return r.RemoteAddr }

// ClientNetwork takes everybody to come from one address.
func (s *Site[S, P]) ClientNetwork(*http.Request) netip.Prefix { return netip.Prefix{} }

// T returns a text in English.
func (s *Site[S, P]) T(_ *http.Request, id string, data ...any) string {
	return s.Texts.T("en", id, data...)
}

// Page notes data, which is a P, in s.ShownPage.
func (s *Site[S, P]) Page(w http.ResponseWriter, _ *http.Request, status int, _, _, _ string, data any) error {
	s.ShownPage = data.(P)
	w.WriteHeader(status)
	return nil
}

// Language is English, as all texts.
func (s *Site[S, P]) Language(*http.Request) string { return "en" }

// CityPage notes what became of a report in s.Answered.
func (s *Site[S, P]) CityPage(w http.ResponseWriter, _ *http.Request, status int, said bots.Said) error {
	s.Answered = said
	w.WriteHeader(status)
	return nil
}

// Settings notes data, which is an S, in s.Shown.
func (s *Site[S, P]) Settings(w http.ResponseWriter, _ *http.Request, status int, _ string, data any) error {
	s.Shown = data.(S)
	w.WriteHeader(status)
	return nil
}

// Parts reads nothing: a form that holds a file wants the frontend.
func (s *Site[S, P]) Parts(http.ResponseWriter, *http.Request, int64, func(string, io.Reader) error) error {
	return errors.ErrUnsupported
}

// Saved redirects to where the frontend does.
func (s *Site[S, P]) Saved(w http.ResponseWriter, r *http.Request, network, said string) error {
	s.Said = said
	http.Redirect(w, r, bots.SettingsPath(network), http.StatusSeeOther)
	return nil
}

// Connect makes the city's bot in the database, or finds it there.
func (s *Site[S, P]) Connect(ctx context.Context, city report.City, network string, botID int64, save func(*gorm.DB, report.Bot) error) (report.Bot, error) {
	return s.DB.CreateBot(ctx, city.ID, network, botID, save)
}

// templatePage is what the frontend gives templates, as far as they use it.
type templatePage struct {
	Data any
	City report.City
	t    func(id string, data ...any) string
}

func (p templatePage) T(id string, data ...any) string { return p.t(id, data...) }

// Link is the path as it is: no language was chosen.
func (p templatePage) Link(path string) string { return path }

// With is the page with other data.
func (p templatePage) With(data any) templatePage {
	p.Data = data
	return p
}

// missing is how a text or a value that is not there looks on a page, or one
// that html/template does not trust.
var missing = regexp.MustCompile(`![a-z0-9_]+\.[a-z0-9_.]+!|no value|ZgotmplZ`)

// Render returns the network's part of a page: template file of its files, which
// may call the partials of the kit, with data as .Data and s.Visited as .City. It
// checks that every text and value is there.
func (s *Site[S, P]) Render(tb testing.TB, files fs.FS, file, language string, data any) string {
	tb.Helper()
	set, err := template.ParseFS(kit.Files, "partials/*.tmpl")
	if err == nil {
		set, err = set.ParseFS(templates.Files, "settings/partials/form.tmpl")
	}
	if err == nil {
		set, err = set.ParseFS(files, file)
	}
	if err != nil {
		tb.Fatal(err)
	}
	entry := file
	if set.Lookup("content") != nil {
		entry = "content"
	}
	var out strings.Builder
	page := templatePage{data, s.Visited, func(id string, data ...any) string { return s.Texts.T(language, id, data...) }}
	if err := set.ExecuteTemplate(&out, entry, page); err != nil {
		tb.Fatal(err)
	}
	if bad := missing.FindString(out.String()); bad != "" {
		tb.Errorf("%q in\n%s", bad, out.String())
	}
	return out.String()
}

// Request makes a request with a form to a handler, as a browser does, and
// returns the answer.
func Request(tb testing.TB, h http.Handler, method, target string, form url.Values) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}
