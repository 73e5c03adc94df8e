package frontend

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"ticketfrei/manage"
)

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
