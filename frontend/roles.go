package frontend

import (
	"net/http"
	"strings"

	"ticketfrei/internal/report"
)

// roleNeeded is the role that an address below /settings needs, as those below it that are
// not here themselves. All that is not here needs a moderator.
var roleNeeded = map[string]report.Role{
	"/settings/city":              report.Helper, // to look at another city
	"/settings/live":              report.Helper,
	"/settings/undo":              report.Helper, // what they may do: see handleUndo
	"/settings/reports":           report.Helper,
	"/settings/reports/pause":     report.Moderator,
	"/settings/reports/always":    report.Moderator, // it changes the rules
	"/settings/reports/approval":  report.Moderator,
	"/settings/reports/resume":    report.Moderator,
	"/settings/account":           report.Helper,
	"/settings/account/delete":    report.Owner,
	"/settings/account/restore":   report.Owner,
	"/settings/moderators":        report.Owner,
	"/settings/moderators/remove": report.Helper, // themselves: see manage.RemoveModerator
}

// roleFor returns the role that a path below /settings needs.
func roleFor(path string) report.Role {
	path = strings.TrimRight(path, "/")
	if path == "/settings" {
		return report.Helper
	}
	for path != "/settings" && path != "" {
		if role, ok := roleNeeded[path]; ok {
			return role
		}
		path = path[:strings.LastIndexByte(path, '/')]
	}
	return report.Moderator
}

// requireRole refuses what the moderator's role in the city does not allow.
func (s *Site) requireRole(next http.Handler) http.Handler {
	refuse := s.refuse(http.StatusForbidden, "people.not_allowed")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !visitOf(r.Context()).role.May(roleFor(r.URL.Path)) {
			refuse(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// noteConfigured stores who has changed something on the pages of a network.
func (s *Site) noteConfigured(network string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				next.ServeHTTP(w, r)
				return
			}
			seen := &seenWriter{ResponseWriter: w}
			next.ServeHTTP(seen, r)
			if seen.status == http.StatusSeeOther { // else it was refused
				s.Cities.Configured(r.Context(), s.City(r).ID, network)
			}
		})
	}
}
