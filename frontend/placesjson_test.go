package frontend

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ticketfrei/db/dbtest"
)

// TestPlacesForScripts has the lines and stops of a city be there for scripts, as they are
// now, and be sent once.
func TestPlacesForScripts(t *testing.T) {
	tn := newTown(t)
	c := tn.members("fuerth", "Fürth", "rider@example.org")
	resp, a := tn.request(http.MethodGet, "/city/fuerth/places.json", "")
	if resp.StatusCode != http.StatusOK || a.body != `{"lines":[]}` {
		t.Errorf("a city without places: %d %s", resp.StatusCode, a.body)
	}
	dbtest.MustSavePlaces(t, tn.db, c.ID, "U1 #0065ae: Plärrer = Pläri, Fürth Hbf\nN5:")
	tn.notices.Changed(c.ID)
	resp, a = tn.request(http.MethodGet, "/city/fuerth/places.json", "")
	want := `{"lines":[{"name":"U1","color":"#0065ae","stops":["Plärrer","Fürth Hbf"]},{"name":"N5","stops":[]}]}`
	if a.body != want || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: %s", resp.Header.Get("Content-Type"), a.body)
	}
	again, _ := tn.request(http.MethodGet, "/city/fuerth/places.json", "", "If-None-Match", resp.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("the second time: %d", again.StatusCode)
	}
	tn.clock.pass(time.Minute)
	var many strings.Builder
	for i := range 200 {
		fmt.Fprintf(&many, "Haltestelle %d, ", i)
	}
	dbtest.MustSavePlaces(t, tn.db, c.ID, "U1: "+many.String()+"Plärrer")
	tn.notices.Changed(c.ID)
	packed, _ := tn.request(http.MethodGet, "/city/fuerth/places.json", "", "Accept-Encoding", "gzip")
	if packed.Header.Get("Content-Encoding") != "gzip" {
		t.Error("many stops are not compressed")
	}
	if resp, _ := tn.request(http.MethodGet, "/city/nowhere/places.json", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a city that is not there: %d", resp.StatusCode)
	}
}
