package frontend

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"ticketfrei/internal/report"
)

// hearingRoutes are the route of the part about what counts as a report.
func (s *Site) hearingRoutes(r chi.Router) {
	r.Get("/rules/hearing", backTo(partHearing))
	r.Post("/rules/hearing", s.Handler(s.handleHearingSave))
}

func (s *Site) handleHearingSave(w http.ResponseWriter, r *http.Request) error {
	questions, replies := r.PostFormValue("questions") != "", r.PostFormValue("replies") != ""
	if err := s.DB.SaveHearing(r.Context(), s.City(r).ID, questions, replies); err != nil {
		return err
	}
	s.Notices.Changed(s.City(r).ID)
	return s.saved(w, r, partHearing, s.T(r, "settings.hearing.saved"))
}

// takenFor says whether a text would be answered in a city instead of being passed on, or
// whether it may be.
func (s *Site) takenFor(c report.City, said string, read report.Reading) (asks, mayAsk bool) {
	if s.Intents == nil || !c.Questions {
		return false, false
	}
	g := s.Intents.Recognize(said).Naming(read.Named(), read.Clear)
	return g.Sure(), g.Doubtful()
}
