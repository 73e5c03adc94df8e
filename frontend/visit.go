package frontend

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"slices"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// visit is what is known about a request. It is made when the request begins;
// middleware that finds out more adds to it.
type visit struct {
	id        string // request id, shown on the page of an internal error and in the log
	lang      string // language of the page
	asked     string // language that the visitor has chosen on the page, in the query; empty: none
	city      report.City
	moderator *db.Moderator // nil when nobody is logged in
	cities    []report.City // of the moderator
	role      report.Role   // of the moderator, in city
	operator  bool          // the moderator is an operator
	session   bool          // the context holds a session

	forModerators bool // the page is in the languages of moderators alone
}

type visitKey struct{}

// visitOf returns the request's visit. For a request that did not come through
// begin it is an empty one, so that nobody has to check.
func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{lang: "en"}
}

// begin gives every request its visit, in the language that was chosen on the page
// before, or else that of the browser.
func (s *Site) begin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{id: rand.Text()[:10], lang: s.Texts.Match(r.Header.Get("Accept-Language"))}
		if lang := r.URL.Query().Get(langParam); lang != "" && slices.Contains(s.Texts.Languages(), lang) {
			v.lang, v.asked = lang, lang
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
	})
}

// langParam is the part of a page's query that has the chosen language.
const langParam = "lang"

// readIn has a page of a city be in the language that was chosen, or that of the browser,
// or else that of the city.
func (s *Site) readIn(r *http.Request, city report.City) string {
	if v := visitOf(r.Context()); v.asked != "" {
		return v.asked
	}
	return s.Texts.MatchOr(r.Header.Get("Accept-Language"), city.Language)
}

// visitorLanguage is the language of riders that a visitor reads, also on a page that is
// only in those of moderators.
func (s *Site) visitorLanguage(r *http.Request) string {
	return cmp.Or(visitOf(r.Context()).asked, s.Texts.Match(r.Header.Get("Accept-Language")))
}

// forModerators has the pages that only moderators need be in one of their languages.
func (s *Site) forModerators(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r.Context())
		v.forModerators = true
		if !slices.Contains(s.Texts.ModeratorLanguages(), v.lang) {
			v.lang = s.Texts.MatchModerator(r.Header.Get("Accept-Language"))
		}
		next.ServeHTTP(w, r)
	})
}

// City returns the city that the request is about: the moderator's below
// /settings, the page's below /city/{slug}, and otherwise the zero City.
func (s *Site) City(r *http.Request) report.City { return visitOf(r.Context()).city }

// T returns the text id in the language of the page, filled with data:
// alternating names and values.
func (s *Site) T(r *http.Request, id string, data ...any) string {
	return s.Texts.T(visitOf(r.Context()).lang, id, data...)
}

// moderator returns who is logged in, or the zero Moderator if nobody is.
func (s *Site) moderator(r *http.Request) db.Moderator {
	if m := visitOf(r.Context()).moderator; m != nil {
		return *m
	}
	return db.Moderator{}
}
