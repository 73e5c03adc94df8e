package frontend

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// door is what decides about all that is below the page of a city.
type door struct {
	slug    string // the city's own, where an alias was asked for
	state   report.CityState
	noIndex bool
}

// doorOf returns the door of the city in the path.
func (s *Site) doorOf(r *http.Request) (door, error) {
	slug := chi.URLParam(r, "slug")
	return cached(r.Context(), s.cache, "door/"+slug, func(ctx context.Context) (door, int64, error) {
		c, err := s.DB.FindCity(ctx, slug)
		return door{c.Slug, c.State(), c.NoIndex}, c.ID, err
	})
}

// askRobots asks search engines to leave out all that is below the page of a city whose
// moderators want that. What is no page cannot say it otherwise.
func (s *Site) askRobots(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d, err := s.doorOf(r); err == nil && d.noIndex {
			w.Header().Set("X-Robots-Tag", "noindex")
		}
		next.ServeHTTP(w, r)
	})
}

// atOwnAddress leads whoever asks for an alias of a city, or for its name in another spelling, to
// its own address. What is posted is taken at an alias too: programs that end a subscription
// follow nobody (RFC 8058).
func (s *Site) atOwnAddress(next http.Handler) http.Handler {
	return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		d, err := s.doorOf(r)
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		status := http.StatusPermanentRedirect
		if errors.Is(err, db.ErrNotFound) && reads {
			status = http.StatusMovedPermanently
			d.slug, err = s.DB.SlugOf(r.Context(), typed(r, "slug"))
			if err != nil {
				return noSuchCity(err)
			}
		}
		if err != nil || d.slug == chi.URLParam(r, "slug") || !reads {
			next.ServeHTTP(w, r)
			return nil
		}
		_, rest, below := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/city/"), "/")
		if below {
			rest = "/" + rest
		}
		toCity(w, r, status, d.slug, rest)
		return nil
	})
}

// offPages are the answers to who asks for a city that is off.
var offPages = map[report.CityState]bots.PageError{
	report.CitySuspended: {Status: http.StatusGone, ID: "error.city_suspended", Title: "error.title_city_off"},
	report.CityDeleted:   {Status: http.StatusGone, ID: "error.city_deleted", Title: "error.title_city_off"},
	report.CityWaiting:   {Status: http.StatusNotFound, ID: "error.city_waiting", Title: "error.title_city_off"},
}

// unlessOff answers for cities that are off, but for what ends a subscription.
func (s *Site) unlessOff(next http.Handler) http.Handler {
	return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		d, err := s.doorOf(r)
		if off, is := offPages[d.state]; err == nil && is && !s.isLeaving(r) {
			w.Header().Set("Cache-Control", "no-cache")
			return &off
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// isLeaving tells whether a request is for a page of a network where subscriptions end.
func (s *Site) isLeaving(r *http.Request) bool {
	_, below, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/city/"), "/")
	for _, n := range s.Networks {
		if l, ok := n.Network.(bots.Leaving); ok && strings.HasPrefix(below, n.Name+"/"+l.LeavingPath()+"/") {
			return true
		}
	}
	return false
}
