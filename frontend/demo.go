package frontend

import (
	"maps"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
)

// demoRoutes are the stand-ins of the networks, which exist only in a demo.
// They have no session: nobody is logged in there.
func (s *Site) demoRoutes(r chi.Router) {
	r.Use(s.takeForms(maxForm), s.withDemoCity)
	r.Get("/", s.Handler(s.handleDemos))
	// Any method: the stand-in decides what it takes.
	r.Handle("/{name}", s.Handler(s.handleDemo))
	r.Handle("/{name}/*", s.Handler(s.handleDemo))
}

// withDemoCity makes the sample city the city of all pages below /demo.
func (s *Site) withDemoCity(next http.Handler) http.Handler {
	return s.Handler(func(w http.ResponseWriter, r *http.Request) error {
		cities, err := s.DB.Cities(r.Context(), "", 1)
		if err != nil {
			return err
		}
		if len(cities) > 0 {
			visitOf(r.Context()).city = cities[0]
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// demoPage is what demo.tmpl shows.
type demoPage struct{ Demos []demoLink }

type demoLink struct{ Title, Path string }

// handleDemos lists the stand-ins.
func (s *Site) handleDemos(w http.ResponseWriter, r *http.Request) error {
	s.demoMu.RLock()
	names := slices.Sorted(maps.Keys(s.demos))
	s.demoMu.RUnlock()
	var data demoPage
	for _, name := range names {
		data.Demos = append(data.Demos, demoLink{Title: s.networkName(visitOf(r.Context()).lang, name), Path: "/demo/" + name})
	}
	return s.render(w, r, http.StatusOK, "demo.tmpl", s.T(r, "demo.title"), data)
}

// handleDemo passes the request to the stand-in as chi does to a mounted
// router: the request's path stays whole, and the router sees the rest of it.
func (s *Site) handleDemo(w http.ResponseWriter, r *http.Request) error {
	s.demoMu.RLock()
	h := s.demos[chi.URLParam(r, "name")]
	s.demoMu.RUnlock()
	if h == nil {
		return &bots.PageError{Status: http.StatusNotFound, ID: "error.not_found"}
	}
	chi.RouteContext(r.Context()).RoutePath = "/" + chi.URLParam(r, "*")
	h.ServeHTTP(w, r)
	return nil
}
