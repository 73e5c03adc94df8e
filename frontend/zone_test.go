package frontend

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/report"
)

// TestTimesOfACity has cities all over the world on one server. Its machine is in another
// zone than all of them.
func TestTimesOfACity(t *testing.T) {
	tests := []struct {
		name, language, zone, at string
		clock, feed              string
	}{
		{"half an hour off", "en", "Asia/Kolkata", "2026-11-26T20:35:00Z", "02:05", "2026-11-27T02:05:00+05:30"},
		{"west, half an hour off", "en", "America/St_Johns", "2026-11-26T20:35:00Z", "17:05", "2026-11-26T17:05:00-03:30"},
		{"by its language", "de", "", "2026-11-26T20:35:00Z", "21:35", "2026-11-26T21:35:00+01:00"},
		{"in summer", "de", "", "2026-07-26T20:35:00Z", "22:35", "2026-07-26T22:35:00+02:00"},
		{"the hour that comes twice, first", "de", "", "2026-10-25T00:35:00Z", "02:35", "2026-10-25T02:35:00+02:00"},
		{"the hour that comes twice, again", "de", "", "2026-10-25T01:35:00Z", "02:35", "2026-10-25T02:35:00+01:00"},
		{"by the operator's setting", "en", "", "2026-11-26T20:35:00Z", "05:35", "2026-11-27T05:35:00+09:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			tn := newTown(t, func(o *Options) { o.Config.Reports.Zone = "Asia/Tokyo" })
			tn.clock.now = at.Add(5 * time.Minute)
			c, err := tn.db.CreateCity(t.Context(), report.City{Slug: "there", Name: "There", Language: tt.language, Zone: tt.zone},
				tn.moderator("one@example.org").ID, []string{"mail"})
			if err != nil {
				t.Fatal(err)
			}
			tn.tell(c, "one", "U1 Plärrer", 5*time.Minute)
			page := tn.browser().get("/city/there").want(http.StatusOK, "")
			times := page.all("time")
			if len(times) == 0 || attr(times[0], "datetime") != tt.feed {
				t.Errorf("the page has no %s:\n%s", tt.feed, page.body)
			}
			if !strings.Contains(page.body, tt.clock) {
				t.Errorf("the page does not say %s", tt.clock)
			}
			_, feed := tn.request(http.MethodGet, "/city/there/feed.atom", "")
			if n := strings.Count(feed.body, ">"+tt.feed+"<"); n != 3 {
				t.Errorf("the feed has %s %d times:\n%s", tt.feed, n, feed.body)
			}
		})
	}
}

func TestZoneOfANewCity(t *testing.T) {
	tn := newTown(t)
	for _, tt := range []struct{ city, says, want string }{
		{"Kolkata", "Asia/Kolkata", "Asia/Kolkata"},
		{"Atlantis", "Europe/Atlantis", ""},
		{"Nirgendwo", "", ""},
	} {
		w := tn.browser()
		w.post("/register", "email", strings.ToLower(tt.city)+"@example.org", "city", tt.city, "zone", tt.says).want(http.StatusSeeOther, "/register/sent")
		_, _, _, link := tn.lastMail()
		w.post(link, "password", boardPassword).want(http.StatusSeeOther, "/settings")
		tn.hasZone(strings.ToLower(tt.city), tt.want)
		w.post("/register", "city", tt.city+" Zwei", "zone", tt.says).want(http.StatusSeeOther, "/settings")
		tn.hasZone(strings.ToLower(tt.city)+"-zwei", tt.want)
	}
}

func (tn *town) hasZone(slug, want string) {
	tn.t.Helper()
	c, err := tn.db.FindCity(tn.t.Context(), slug)
	if err != nil || c.Zone != want {
		tn.t.Errorf("%s has the zone %q (%v), want %q", slug, c.Zone, err, want)
	}
}

func TestZoneInTheSettings(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "one@example.org")
	w := tn.login("one@example.org")
	w.lang = "de"
	w.get("/settings/texts").says("zone-hint", "Europe/Berlin")
	save := func(zone string) answer {
		return w.post("/settings/texts", "name", "Fürth", "language", "de", "page", "Hallo", "zone", zone)
	}
	save(" America/St_Johns ").want(http.StatusSeeOther, "/settings/texts#texts")
	tn.hasZone("fuerth", "America/St_Johns")
	if got := w.get("/settings/texts").value("zone"); got != "America/St_Johns" {
		t.Errorf("the field has %q", got)
	}
	page := save("Europa/Fürth").want(http.StatusUnprocessableEntity, "")
	page.says("zone-error", "Europe/Berlin")
	if got := page.value("zone"); got != "Europa/Fürth" || attr(page.id("zone"), "aria-invalid") != "true" {
		t.Errorf("what was typed came back as %q", got)
	}
	w.post("/settings/texts", "name", "Fürth", "language", "de", "page", "Hallo").want(http.StatusSeeOther, "/settings/texts#texts")
	tn.hasZone("fuerth", "America/St_Johns")
	save("").want(http.StatusSeeOther, "/settings/texts#texts")
	tn.hasZone("fuerth", "")
}
