package frontend

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// cityState is everything that belongs to a city.
type cityState struct {
	City         report.City
	Bots         []report.Bot
	Passed, Held []db.Judged
	Mutes        map[string]bool
	Moderators   []db.Moderator
	Invitations  []db.Invitation
	Places       string
}

func (b *board) state(c report.City) cityState {
	b.t.Helper()
	ctx := b.t.Context()
	var s cityState
	steps := []func() error{
		func() (err error) { s.City, err = b.db.City(ctx, c.ID); return },
		func() (err error) { s.Bots, err = b.db.CityBots(ctx, c.ID); return },
		func() (err error) { s.Passed, err = b.db.Reports(ctx, c.ID, true, time.Hour, 100); return },
		func() (err error) { s.Held, err = b.db.Reports(ctx, c.ID, false, time.Hour, 100); return },
		func() (err error) { s.Mutes, err = b.db.Mutes(ctx, c.ID); return },
		func() (err error) { s.Moderators, err = b.db.CityModerators(ctx, c.ID); return },
		func() (err error) { s.Places, err = b.db.Places(ctx, c.ID); return },
		func() (err error) { s.Invitations, err = b.db.CityInvitations(ctx, c.ID); return },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			b.t.Fatal(err)
		}
	}
	return s
}

func TestSettingsIsolation(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	victim := b.moderator("victim@example.org")
	theirs := b.city("fuerth", "Fürth", victim)
	b.join(theirs, "second@example.org")
	b.say(theirs, "theirs", "geheime Kontrolle", report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "kontrolle"})
	held := b.hold(theirs, "theirs too", "geheime Flut", report.ReasonFloodCity, time.Now())
	dbtest.MustSavePlaces(t, b.db, theirs.ID, "U1: geheime Haltestelle")
	if err := b.db.Mute(t.Context(), theirs.ID, "author-of-theirs"); err != nil {
		t.Fatal(err)
	}
	inv, err := b.db.CreateInvitation(t.Context(), db.Invitation{CityID: theirs.ID, Email: "invited@example.org", Role: report.Owner})
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(*gorm.DB, report.Bot) error { return nil }
	if _, err := b.db.CreateBot(t.Context(), theirs.ID, "bell", 0, nothing); err != nil {
		t.Fatal(err)
	}
	b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")

	// Every form of the settings, with the ids of the other city wherever one
	// can be given. The answer does not matter, only the effect.
	all := []string{"city", strconv.FormatInt(theirs.ID, 10), "city_id", strconv.FormatInt(theirs.ID, 10),
		"slug", theirs.Slug, "password", boardPassword, "old", boardPassword, "new", "another password",
		"report", "theirs", "until", held, "show", "passed", "moderator", strconv.FormatInt(victim.ID, 10),
		"invitation", strconv.FormatInt(inv.ID, 10), "email", "new@example.org",
		"places", "U9: Meins", "triggers", "*", "blocked", "", "text", "x", "name", "Taken over", "language", "en", "page", "mine", "token", "good"}
	seen := map[string]bool{}
	before := b.state(theirs)
	err = chi.Walk(b.mux, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !strings.HasPrefix(route, "/settings") {
			return nil
		}
		path := strings.TrimSuffix(route, "/")
		path = strings.ReplaceAll(path, "{network}", "bell")
		seen[method+" "+path] = true
		if method == http.MethodGet {
			path += "?moderator=" + strconv.FormatInt(victim.ID, 10) + "&show=passed"
		}
		if route == "/settings/live" { // it does not end: see TestDeskLive
			return nil
		}
		var got answer
		if method == http.MethodGet {
			got = w.get(path)
		} else {
			got = w.post(path, all...)
		}
		for _, word := range []string{"geheime", "victim@", "second@", "invited@"} {
			if strings.Contains(got.body, word) {
				t.Errorf("%s %s shows %q of the other city", method, route, word)
			}
		}
		if diff := cmp.Diff(before, b.state(theirs)); diff != "" {
			t.Errorf("%s %s changed the other city (-before +after):\n%s", method, route, diff)
			before = b.state(theirs)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []string{"GET /settings", "GET /settings/rules", "GET /settings/networks", "GET /settings/texts", "GET /settings/people", "GET /settings/account", "POST /settings/rules", "POST /settings/rules/try", "POST /settings/rules/reset",
		"POST /settings/texts", "POST /settings/texts/preview", "POST /settings/texts/reset", "GET /settings/reports",
		"POST /settings/reports/take-back", "POST /settings/reports/mute", "POST /settings/reports/unmute",
		"POST /settings/reports/let-through", "POST /settings/reports/throw-away", "POST /settings/reports/pause", "POST /settings/reports/resume",
		"POST /settings/bots/bell/enable", "POST /settings/bots/bell/disable", "POST /settings/bots/bell/disconnect",
		"POST /settings/moderators/invite", "POST /settings/moderators/withdraw", "POST /settings/moderators/remove",
		"GET /settings/places", "POST /settings/places", "POST /settings/places/try", "POST /settings/places/feed",
		"POST /settings/account/password", "POST /settings/account/delete", "POST /settings/city"} {
		if !seen[known] {
			t.Errorf("%s was not tried", known)
		}
	}
	if got := w.get("/settings"); got.status != http.StatusOK {
		t.Errorf("the moderator lost the own city on the way: status %d", got.status)
	}
}

func TestSettingsOfTwoCitiesInTwoTabs(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	m := b.moderator("one@example.org")
	nuernberg, fuerth := b.city("nuernberg", "Nürnberg", m), b.city("fuerth", "Fürth", m)
	w := b.login("one@example.org")
	open := strconv.FormatInt(fuerth.ID, 10)
	if got := w.get("/settings/rules").body; !strings.Contains(got, `name="settings_city" value="`+open+`"`) {
		t.Fatal("the forms do not say which city they are about")
	}
	w.post("/settings/city", "city", strconv.FormatInt(nuernberg.ID, 10)).want(http.StatusSeeOther, "/settings")
	before := b.state(nuernberg)
	w.post("/settings/rules", "settings_city", open, "triggers", "*", "blocked", "").want(http.StatusConflict, "")
	if diff := cmp.Diff(before, b.state(nuernberg)); diff != "" {
		t.Errorf("the rules of one city went to the other:\n%s", diff)
	}
	w.post("/settings/rules", "settings_city", strconv.FormatInt(nuernberg.ID, 10), "triggers", "*", "blocked", "").want(http.StatusSeeOther, "/settings/rules#rules")
}

func TestSettingsFormsOpenedAgain(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	for path, part := range map[string]string{"rules/try": "rules#rules", "texts/preview": "texts#texts", "moderators/invite": "people#moderators",
		"account/password": "account#account", "account/delete": "account#account"} {
		w.get("/settings/"+path).want(http.StatusSeeOther, "/settings/"+part)
	}
	for _, path := range []string{"rules", "texts"} {
		w.get("/settings/"+path).want(http.StatusOK, "")
	}
}

func TestSettingsNeedLogin(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	stranger := b.browser()
	err := chi.Walk(b.mux, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if strings.HasPrefix(route, "/settings") {
			path := strings.ReplaceAll(strings.TrimSuffix(route, "/"), "{network}", "tram")
			if got := stranger.do(method, path, nil); got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, "/login?next=") {
				t.Errorf("%s %s without login: %d to %q", method, route, got.status, got.location)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
