package frontend

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// partMoved is the part of the overview about a city that came from another program.
const partMoved = "moved"

// movedRoutes has a moderator say that what there is to know of the move was read.
func (s *Site) movedRoutes(r chi.Router) {
	r.Get("/moved", backTo(pageOverview, partMoved))
	r.Post("/moved", s.Handler(s.handleMovedRead))
}

// movedNotes are what moderators have to know of a move, in their language, until one of them
// has read it. Helpers do not see it: they could not change what it is about.
func (s *Site) movedNotes(r *http.Request) ([]string, error) {
	if !visitOf(r.Context()).role.May(report.Moderator) {
		return nil, nil
	}
	notes, err := s.Cities.MovedNotes(r.Context(), s.City(r).ID)
	if err != nil {
		return nil, err
	}
	list := make([]string, len(notes))
	for i, n := range notes {
		list[i] = manage.SayNote(s.Texts, visitOf(r.Context()).lang, n)
	}
	return list, nil
}

func (s *Site) handleMovedRead(w http.ResponseWriter, r *http.Request) error {
	if err := s.Cities.ReadMovedNotes(r.Context(), s.City(r).ID); err != nil {
		return err
	}
	return s.saved(w, r, pageOverview, partMoved, s.T(r, "moving.is_read"))
}
