package frontend

import (
	"net/http"
	"strings"
	"testing"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// arrives has a city come from an installation of another program.
func (tn *town) arrives(program, key string, secret []byte, old int64, slug, name string, names ...string) (c report.City) {
	tn.t.Helper()
	err := tn.db.Arrive(tn.t.Context(), tn.box, db.Installation{Program: program, Key: key, Secret: secret}, func(a *db.Arrival) (err error) {
		if c, _, err = a.NewCity(old, name, db.CityCopy{Slug: slug, Name: name, Language: "de"}); err != nil {
			return err
		}
		for _, n := range append(names, name) {
			if _, err := a.Name(c.ID, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tn.t.Fatal(err)
	}
	return c
}

// moves are two installations of each of two programs, and a city that was here before.
func (tn *town) moves() {
	tn.t.Helper()
	tn.members("gotham", "Gotham", "owner@example.org")
	key := []byte(strings.Repeat("k", 32))
	tn.arrives("ticketfrei2", "one", key, 1, "nuernberg", "Nürnberg")
	tn.arrives("ticketfrei2", "one", key, 5, "nuernberg", "nuernberg") // becomes nuernberg-2
	tn.arrives("ticketfrei2", "one", key, 3, "frankfurt-oder", "Frankfurt (Oder)")
	tn.arrives("kibicara", "one", nil, 1, "suedstadt", "Südstadt", "kibicara-süd.stadt")
	tn.arrives("kibicara", "one", nil, 12, "nordstadt", "Nordstadt")
	tn.arrives("kibicara", "other", nil, 1, "weststadt", "Weststadt")
	tn.arrives("kibicara", "other", nil, 7, "oststadt", "Oststadt")
}

// TestAddressesOfBefore asks for every address that the other programs had, with and without
// anything having come from them.
func TestAddressesOfBefore(t *testing.T) {
	sites := map[bool]*town{true: newTown(t), false: newTown(t)}
	sites[true].moves()
	sites[false].members("gotham", "Gotham", "owner@example.org")
	const moved, gone, missing = http.StatusMovedPermanently, http.StatusGone, http.StatusNotFound
	for _, tt := range []struct {
		path   string
		status int
		to     string
		before int // the status on a server where nothing has come from there; 0: the same
	}{
		// Ticketfrei 2
		{"/city/Gotham", moved, "/city/gotham", 0},
		{"/city/GOTHAM?lang=de&x=%20y", moved, "/city/gotham?lang=de&x=%20y", 0},
		{"/city/Gotham/mail", moved, "/city/gotham/mail", 0},
		{"/city/Gotham/feed.atom?line=U1", moved, "/city/gotham/feed.atom?line=U1", 0},
		{"/city/Gotham/mail/unsubscribe/x%2Fy", moved, "/city/gotham/mail/unsubscribe/x%2Fy", 0},
		{"/city/N%C3%BCrnberg", moved, "/city/nuernberg", missing},
		{"/city/n%c3%bcrnberg/mail", moved, "/city/nuernberg/mail", missing},
		{"/city/Nu%CC%88rnberg/", moved, "/city/nuernberg/", missing},
		{"/city/Frankfurt%20(Oder)", moved, "/city/frankfurt-oder", missing},
		{"/city/Frankfurt%20%28Oder%29/mail?a=b", moved, "/city/frankfurt-oder/mail?a=b", missing},
		{"/city/kibicara-s%C3%BCd.stadt", moved, "/city/suedstadt", missing},
		{"/city/Nowhere", missing, "", 0},
		{"/city/Nowhere/mail", missing, "", 0},
		{"/city/mail/Gotham", moved, "/city/gotham/mail", 0},
		{"/city/mail/gotham?lang=de", moved, "/city/gotham/mail?lang=de", 0},
		{"/city/mail/N%C3%BCrnberg", moved, "/city/nuernberg/mail", missing},
		{"/city/mail/nuernberg", moved, "/city/nuernberg-2/mail", missing}, // as it was called there
		{"/city/mail/Frankfurt%20(Oder)", moved, "/city/frankfurt-oder/mail", missing},
		{"/city/mail/Nowhere", missing, "", 0},
		{"/city/mail/confirm/eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.x", gone, "", 0},
		{"/city/mail/unsubscribe/eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.x", missing, "", 0},
		{"/confirm/N%C3%BCrnberg/eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.x", gone, "", 0},
		{"/logout/", moved, "/", 0},
		// Kibicara
		{"/hoods", moved, "/", 0},
		{"/hoods/", moved, "/", 0},
		{"/hoods/1", moved, "/city/suedstadt", missing}, // the first that came keeps its numbers
		{"/hoods/1?lang=de", moved, "/city/suedstadt?lang=de", missing},
		{"/hoods/12/", moved, "/city/nordstadt", missing},
		{"/hoods/7", moved, "/city/oststadt", missing},
		{"/hoods/2", missing, "", 0},
		{"/hoods/-1", missing, "", 0},
		{"/hoods/x", missing, "", 0},
		{"/hoods/99999999999999999999", missing, "", 0},
		{"/hoods/1/email-confirm?token=x", gone, "", 0},
		{"/hoods/1/email-unsubscribe?token=x", missing, "", 0},
		{"/hoods/1/email-unsubscribe", missing, "", 0},
		{"/hoods/x/email-unsubscribe?token=x", missing, "", 0},
		{"/organizers", moved, "/register", 0},
		{"/confirm?token=abc", moved, "/register", 0},
		{"/dashboard", moved, "/settings", 0},
		{"/dashboard/hoods/1", moved, "/settings", 0},
		{"/dashboard/settings", moved, "/settings", 0},
		{"/reset", moved, "/password", 0},
		{"/password-reset?token=abc", moved, "/password", 0},
	} {
		for came, tn := range sites {
			t.Run(map[bool]string{true: "moved in", false: "new"}[came]+tt.path, func(t *testing.T) {
				want, to := tt.status, tt.to
				if !came && tt.before != 0 {
					want, to = tt.before, ""
				}
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					resp, page := tn.request(method, tt.path, "")
					if resp.StatusCode != want || resp.Header.Get("Location") != to {
						t.Errorf("%s: %d to %q, want %d to %q", method, resp.StatusCode, resp.Header.Get("Location"), want, to)
					}
					if want >= 400 && strings.Contains(page.body, "former_") {
						t.Error("a text is missing")
					}
				}
			})
		}
	}
}

// TestFormsOfBefore posts what the other programs' forms did.
func TestFormsOfBefore(t *testing.T) {
	tn := newTown(t)
	tn.moves()
	resp, _ := tn.request(http.MethodPost, "/city/mail/submit/N%C3%BCrnberg", "mailaddress=rider%40example.org")
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/city/nuernberg/mail" {
		t.Errorf("subscribing: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	if n := tn.mailCount(); n != 0 {
		t.Errorf("%d mails", n)
	}
	for _, path := range []string{"/city/mail/unsubscribe/x", "/city/mail/confirm/x", "/hoods/1/email-unsubscribe?token=x", "/hoods/1"} {
		if resp, _ := tn.request(http.MethodPost, path, "x=y"); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

// TestWordsForLinksOfBefore reads what somebody is told whose link does not hold.
func TestWordsForLinksOfBefore(t *testing.T) {
	tn := newTown(t)
	for path, says := range map[string]map[string]string{
		"/city/mail/unsubscribe/x": {"en": "write “unsubscribe” to the address of the city", "de": "schreib „abmelden“"},
		"/city/mail/confirm/x":     {"en": "enter your address once more", "de": "gib deine Adresse noch einmal"},
		"/confirm/Gotham/x":        {"en": "add your city once more", "de": "trag deine Stadt noch einmal ein"},
	} {
		for lang, want := range says {
			if _, page := tn.request(http.MethodGet, path, "", "Accept-Language", lang); !strings.Contains(page.body, want) {
				t.Errorf("%s in %s does not say %q", path, lang, want)
			}
		}
	}
}
