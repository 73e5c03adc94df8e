package frontend

import "net/http"

// overviewPage is what settings/overview.tmpl shows.
type overviewPage struct{ Reports latestReports }

func (s *Site) handleOverview(w http.ResponseWriter, r *http.Request) error {
	latest, err := s.latestReports(r)
	if err != nil {
		return err
	}
	return s.showDesk(w, r, http.StatusOK, pageOverview, overviewPage{latest})
}
