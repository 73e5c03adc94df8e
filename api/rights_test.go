package api_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/apikey"
)

// pathParam is a parameter in the path of a route.
var pathParam = regexp.MustCompile(`{(\w+)}`)

// TestEveryRouteNeedsItsKey asks for all that needs a key: with none, with one of another city,
// with one that has no right to it, and for a city that is not there. The document says what
// needs one; what needs none is listed here.
func TestEveryRouteNeedsItsKey(t *testing.T) {
	w := newWorld(t, "TICKETFREI_API_REQUESTS=10000")
	dbtest.MustCreateCity(t, w.db, "metropolis")
	foreign, operator := w.key(apikey.All), w.key(apikey.Cities, apikey.All)
	var d document
	w.do("GET", "/openapi.json", "", nil).want(200).into(&d)
	var open []string
	for path, operations := range d.Paths {
		for method, op := range operations {
			if slices.ContainsFunc(op.Security, func(way map[string][]string) bool { return len(way) == 0 }) {
				open = append(open, op.OperationID)
				continue
			}
			t.Run(op.OperationID, func(t *testing.T) {
				at := func(city string) string {
					return pathParam.ReplaceAllStringFunc(path, func(param string) string {
						if param == "{city}" {
							return city
						}
						return "1"
					})
				}
				method := strings.ToUpper(method)
				if a := w.do(method, at("gotham"), "", nil); a.status != http.StatusUnauthorized {
					t.Errorf("without a key: %d %s", a.status, a.body)
				}
				if !strings.Contains(path, "{city}") {
					return
				}
				if a := w.do(method, at("metropolis"), foreign, nil); a.status != http.StatusForbidden {
					t.Errorf("with a key of another city: %d %s", a.status, a.body)
				}
				if a := w.do(method, at("nowhere"), operator, nil); a.status != http.StatusNotFound {
					t.Errorf("of a city that is not there: %d %s", a.status, a.body)
				}
			})
		}
	}
	slices.Sort(open)
	if diff := cmp.Diff([]string{"follow-events", "get-city", "get-health", "get-places", "get-report", "list-networks", "list-reports"}, open); diff != "" {
		t.Error(diff)
	}
}
