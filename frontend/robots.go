package frontend

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"ticketfrei/manage"
)

// askRobots asks search engines to leave out all that is below the page of a city whose
// moderators want that. What is no page cannot say it otherwise.
func (s *Site) askRobots(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slug := chi.URLParam(r, "slug")
		leaveOut, err := cached(r.Context(), s.cache, "robots/"+slug, func(ctx context.Context) (bool, int64, error) {
			c, err := s.DB.FindCity(ctx, slug)
			return c.NoIndex, c.ID, err
		})
		if err == nil && leaveOut {
			w.Header().Set("X-Robots-Tag", "noindex")
		}
		next.ServeHTTP(w, r)
	})
}

// robotRoutes are the route of the form about search engines.
func (s *Site) robotRoutes(r chi.Router) {
	r.Get("/texts/robots", backTo(pageTexts, pageTexts))
	r.Post("/texts/robots", s.Handler(s.handleRobotsSave))
}

func (s *Site) handleRobotsSave(w http.ResponseWriter, r *http.Request) error {
	leaveOut := r.PostFormValue("index") == ""
	if _, err := s.Cities.Change(r.Context(), s.City(r).ID, manage.Patch{NoIndex: &leaveOut}, ""); err != nil {
		return err
	}
	return s.saved(w, r, pageTexts, pageTexts, s.T(r, "settings.robots.saved"))
}
