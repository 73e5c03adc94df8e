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

// takenFor says, as a text id, that a text would be answered in a city instead of being
// passed on, or as well; empty where it would not.
func (s *Site) takenFor(c report.City, said string) string {
	if s.Intents == nil || !c.Questions {
		return ""
	}
	switch g := s.Intents.Recognize(said); {
	case g.Sure():
		return "settings.rules.try_question"
	case g.Doubtful():
		return "settings.rules.try_doubt"
	default:
		return ""
	}
}
