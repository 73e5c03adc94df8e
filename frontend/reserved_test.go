package frontend

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"ticketfrei/internal/naming"
)

// TestRoutesOfTheSiteAreReserved finds the site's routes in the two places
// where networks have theirs: below /settings/ and /city/{slug}/.
func TestRoutesOfTheSiteAreReserved(t *testing.T) {
	tn := newTown(t)
	found := 0
	err := chi.Walk(tn.mux, func(_, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		rest, settings := strings.CutPrefix(route, "/settings/")
		if !settings {
			var city bool
			if rest, city = strings.CutPrefix(route, "/city/{slug}/"); !city {
				return nil
			}
		}
		first, _, _ := strings.Cut(rest, "/")
		if first == "" || first == "mail" {
			return nil
		}
		found++
		if naming.Check(first) == nil {
			t.Errorf("a network could be called %s, as the route %s", first, route)
		}
		return nil
	})
	if err != nil || found < 8 {
		t.Errorf("found %d routes, %v", found, err)
	}
}
