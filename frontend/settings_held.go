package frontend

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// heldRoutes decide about reports that are held. The mail that tells moderators of
// them leads to the pages that ask.
func (s *Site) heldRoutes(r chi.Router) {
	r.Get("/reports/let-through", s.Handler(s.handleLetThroughAsk))
	r.Post("/reports/let-through", s.Handler(s.handleLetThrough))
	r.Get("/reports/throw-away", s.Handler(s.handleThrowAwayAsk))
	r.Post("/reports/throw-away", s.Handler(s.handleThrowAway))
}

// heldGroup is the reports that are held for one reason, as a moderator sees them.
type heldGroup struct {
	db.HeldGroup
	Verdict verdict
}

// heldGroups returns what is held of the city.
func (s *Site) heldGroups(r *http.Request) ([]heldGroup, error) {
	groups, err := s.DB.HeldGroups(r.Context(), s.City(r).ID)
	list := make([]heldGroup, len(groups))
	for i, g := range groups {
		list[i] = heldGroup{g, newVerdict(report.Verdict{Reason: g.Reason})}
	}
	return list, err
}

func (s *Site) handleLetThroughAsk(w http.ResponseWriter, r *http.Request) error {
	return s.askAboutHeld(w, r, "let-through", "settings.held.let_through")
}

func (s *Site) handleThrowAwayAsk(w http.ResponseWriter, r *http.Request) error {
	return s.askAboutHeld(w, r, "throw-away", "settings.held.throw_away")
}

// askAboutHeld asks before something is done with all that is held now, or with what a link
// names: one report, or those with one reason. Texts of the question begin with id.
func (s *Site) askAboutHeld(w http.ResponseWriter, r *http.Request, action, id string) error {
	q := question{
		Action: "/settings/reports/" + action,
		Button: s.T(r, id),
		Keep:   s.T(r, "settings.held.look"),
		Back:   "/settings/reports?show=" + showHeld,
	}
	count, err := s.heldAsked(r, &q)
	if err != nil {
		return err
	}
	if count == 0 {
		return s.backToHeld(w, r, s.T(r, "settings.held.decided"))
	}
	lead := id + "_lead"
	if q.Quote != "" {
		lead = id + "_one"
	}
	q.Title = s.T(r, id+"_title", "City", s.City(r).Name, "Count", count)
	q.Lead = s.T(r, lead, "City", s.City(r).Name, "Expire", brief(s.Config.Reports.Expire))
	return s.ask(w, r, q)
}

// heldAsked has a question be about what its address names, and returns how many reports that
// are.
func (s *Site) heldAsked(r *http.Request, q *question) (count int, err error) {
	if id := r.URL.Query().Get("report"); id != "" {
		j, err := s.DB.Report(r.Context(), s.City(r).ID, id)
		if errors.Is(err, db.ErrNotFound) || err == nil && !j.Held {
			return 0, nil
		}
		q.Quote, q.Fields = j.Report.Text, []keptField{{"report", id}}
		return 1, err
	}
	groups, err := s.DB.HeldGroups(r.Context(), s.City(r).ID)
	reason := report.Reason(r.URL.Query().Get("reason"))
	var newest int64
	for _, g := range groups {
		if reason == "" || g.Reason == reason {
			count, newest = count+g.Count, max(newest, g.Newest)
		}
	}
	q.Fields = []keptField{{"reason", string(reason)}, {"until", strconv.FormatInt(newest, 10)}}
	return count, err
}

// heldChoice returns the reports that a form is about. What came after the page was
// shown is not among them: nobody has seen that.
func heldChoice(r *http.Request) (db.Choice, error) {
	c := db.Choice{ReportID: r.PostFormValue("report"), Reason: report.Reason(r.PostFormValue("reason"))}
	if c.ReportID != "" {
		return c, nil
	}
	var err error
	if c.Until, err = formID(r, "until"); err == nil && c.Until <= 0 {
		err = gone(errors.New("field until: not above 0"))
	}
	return c, err
}

func (s *Site) handleLetThrough(w http.ResponseWriter, r *http.Request) error {
	c, err := heldChoice(r)
	if err != nil {
		return err
	}
	passed, late, err := s.Cities.LetThrough(r.Context(), s.City(r).ID, c)
	if err != nil {
		return err
	}
	text := s.T(r, "settings.held.passed", "Count", passed)
	switch {
	case passed == 0 && late == 0:
		text = s.T(r, "settings.held.decided")
	case passed == 0:
		text = s.T(r, "settings.held.late", "Count", late)
	case late > 0:
		text += " " + s.T(r, "settings.held.late", "Count", late)
	}
	if r.PostFormValue("show") == showRefused { // as a question
		s.flash(r.Context(), text)
		http.Redirect(w, r, "/settings/reports?show="+showRefused, http.StatusSeeOther)
		return nil
	}
	return s.backToHeld(w, r, text)
}

func (s *Site) handleThrowAway(w http.ResponseWriter, r *http.Request) error {
	c, err := heldChoice(r)
	if err != nil {
		return err
	}
	n, err := s.Cities.ThrowAway(r.Context(), s.City(r).ID, c)
	if err != nil {
		return err
	}
	text := s.T(r, "settings.held.thrown", "Count", n)
	if n == 0 {
		text = s.T(r, "settings.held.decided")
	}
	return s.backToHeld(w, r, text)
}

// backToHeld leads back to the list of what is held.
func (s *Site) backToHeld(w http.ResponseWriter, r *http.Request, text string) error {
	s.flash(r.Context(), text)
	http.Redirect(w, r, "/settings/reports?show="+showHeld, http.StatusSeeOther)
	return nil
}
