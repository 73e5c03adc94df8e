package frontend

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"ticketfrei/manage"
)

// hearingRoutes are the route of the part about what counts as a report.
func (s *Site) hearingRoutes(r chi.Router) {
	r.Get("/rules/hearing", backTo(pageRules, partHearing))
	r.Post("/rules/hearing", s.Handler(s.handleHearingSave))
}

func (s *Site) handleHearingSave(w http.ResponseWriter, r *http.Request) error {
	p := manage.Patch{Questions: switched(r, "questions"), Replies: switched(r, "replies"), NoLinks: switched(r, "no_links"), Short: switched(r, "short")}
	_, err := s.Cities.Change(r.Context(), s.City(r).ID, p, "")
	if err != nil {
		return err
	}
	return s.saved(w, r, pageRules, partHearing, s.T(r, "settings.hearing.saved"))
}
