package frontend

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// pauseRoutes stop a city, and start it again.
func (s *Site) pauseRoutes(r chi.Router) {
	r.Get("/reports/pause", s.Handler(s.handlePauseAsk))
	r.Post("/reports/pause", s.Handler(s.handlePause))
	r.Get("/reports/resume", backTo(pageOverview, partPause))
	r.Post("/reports/resume", s.Handler(s.handleResume))
}

// handlePauseAsk shows what stopping means, and the button for it.
func (s *Site) handlePauseAsk(w http.ResponseWriter, r *http.Request) error {
	c := s.City(r)
	return s.ask(w, r, question{
		Title:  s.T(r, "settings.pause.title_ask", "City", c.Name),
		Lead:   s.T(r, "settings.pause.lead_ask", "City", c.Name),
		Action: "/settings/reports/pause",
		Button: s.T(r, "settings.pause.button_ask"),
		Keep:   s.T(r, "settings.pause.keep"),
		Back:   partPath(pageOverview, partPause),
	})
}

func (s *Site) handlePause(w http.ResponseWriter, r *http.Request) error {
	c := s.City(r)
	wiped, err := s.Cities.Pause(r.Context(), c.ID)
	if err != nil {
		return err
	}
	return s.saved(w, r, pageOverview, partPause, s.T(r, "settings.pause.done", "City", c.Name, "Count", wiped))
}

func (s *Site) handleResume(w http.ResponseWriter, r *http.Request) error {
	c := s.City(r)
	if err := s.Cities.Resume(r.Context(), c.ID); err != nil {
		return err
	}
	return s.saved(w, r, pageOverview, partPause, s.T(r, "settings.pause.resumed", "City", c.Name))
}
