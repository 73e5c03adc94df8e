package frontend

import "net/http"

// handleRestore brings a city back that was deleted.
func (s *Site) handleRestore(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Cities.Restore(r.Context(), s.City(r).ID)
	if err != nil {
		return err
	}
	s.flash(r.Context(), s.T(r, "settings.off.restored", "City", c.Name))
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
	return nil
}
