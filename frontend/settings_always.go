package frontend

import (
	"errors"
	"net/http"

	"ticketfrei/manage"
)

// alwaysPage is what settings/always.tmpl shows.
type alwaysPage struct {
	manage.Always
	Word  string // that was typed, or is proposed
	Error string
	Show  string // the list to go back to
}

// handleAlwaysAsk shows what would be changed of the rules so that a report passes.
func (s *Site) handleAlwaysAsk(w http.ResponseWriter, r *http.Request) error {
	a, err := s.Cities.AlwaysOf(r.Context(), s.City(r), r.URL.Query().Get("report"))
	if err != nil {
		return ofAlways(err)
	}
	p := alwaysPage{Always: a, Show: shownReports(r.URL.Query().Get("show"))}
	if len(a.Words) > 0 {
		p.Word = a.Words[0]
	}
	return s.showAlways(w, r, http.StatusOK, p)
}

func (s *Site) showAlways(w http.ResponseWriter, r *http.Request, status int, p alwaysPage) error {
	return s.render(w, r, status, "settings/always.tmpl", s.T(r, "settings.always.title"), p)
}

// ofAlways is gone where there is nothing to change any more.
func ofAlways(err error) error {
	if errors.Is(err, manage.ErrNoRule) {
		return gone(err)
	}
	return ofReport(err)
}

// handleAlways changes the rules and lets the report through.
func (s *Site) handleAlways(w http.ResponseWriter, r *http.Request) error {
	id, word := r.PostFormValue("report"), r.PostFormValue("word")
	passed, err := s.Cities.AlwaysLetThrough(r.Context(), s.City(r), id, word)
	if wrong, _ := problems(err); wrong != nil {
		a, err := s.Cities.AlwaysOf(r.Context(), s.City(r), id)
		if err != nil {
			return ofAlways(err)
		}
		return s.showAlways(w, r, http.StatusUnprocessableEntity, alwaysPage{a, word, s.words(r, wrong.Problems[0]), shownReports(r.PostFormValue("show"))})
	}
	if err != nil {
		return ofAlways(err)
	}
	text := "settings.always.done"
	if !passed {
		text = "settings.always.late"
	}
	return s.backToReports(w, r, text)
}
