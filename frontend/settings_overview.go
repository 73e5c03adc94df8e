package frontend

import (
	"net/http"

	"ticketfrei/internal/report"
)

// overviewPage is what settings/overview.tmpl shows.
type overviewPage struct {
	Moved   []string // what there is to know of the move of the city, until it was read
	Picture picture
	Steps   firstSteps
	Test    testForm
	Tests   bool // whoever looks may test
	Reports latestReports
}

func (s *Site) handleOverview(w http.ResponseWriter, r *http.Request) error {
	return s.showOverview(w, r, http.StatusOK, s.testForm(r))
}

// showOverview writes the page with what was typed to test.
func (s *Site) showOverview(w http.ResponseWriter, r *http.Request, status int, test testForm) error {
	p := overviewPage{Test: test, Tests: visitOf(r.Context()).role.May(report.Moderator) && !s.City(r).Off()}
	var err error
	if p.Picture, err = s.picture(r.Context(), s.City(r), s.sectionPage(r, nil)); err != nil {
		return err
	}
	if p.Moved, err = s.movedNotes(r); err != nil {
		return err
	}
	if p.Steps, err = s.firstSteps(r, p.Picture); err != nil {
		return err
	}
	if p.Reports, err = s.latestReports(r); err != nil {
		return err
	}
	return s.showDesk(w, r, status, pageOverview, p)
}
