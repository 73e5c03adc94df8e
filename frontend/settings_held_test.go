package frontend

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// hold stores a report of the city that is held, and returns its seq.
func (b *board) hold(c report.City, id, text string, reason report.Reason, at time.Time) string {
	b.t.Helper()
	r := report.Report{ID: id, CityID: c.ID, Network: "tram", NetworkID: id, Author: "author-of-" + id, Unverified: true,
		Text: text, Visibility: report.Private, Time: at, Received: at}
	h := dbtest.MustHear(b.t, b.db, r)
	dbtest.MustJudge(b.t, b.db, h, report.Verdict{Reason: reason}, dbtest.NoBrake{})
	return strconv.FormatInt(h.Seq, 10)
}

func (b *board) held(c report.City) map[report.Reason]int {
	b.t.Helper()
	groups, err := b.db.HeldGroups(b.t.Context(), c.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	counts := map[report.Reason]int{}
	for _, g := range groups {
		counts[g.Reason] = g.Count
	}
	return counts
}

// fields returns the names and values of the hidden fields of a form.
func (a answer) fields(form string) (list []string) {
	a.t.Helper()
	for n := range a.id(form).Descendants() {
		if n.Data == "input" && attr(n, "type") == "hidden" {
			list = append(list, attr(n, "name"), attr(n, "value"))
		}
	}
	return list
}

// TestHeldReports has a moderator decide about what is held, with the buttons of a
// group, of one report and of the mail.
func TestHeldReports(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	const page = "/settings/reports?show=held"
	if body := w.get("/settings").body + w.get("/settings/reports").body; strings.Contains(body, "Waiting for you") || strings.Contains(body, "let-through") {
		t.Error("something waits where nothing is held")
	}
	w.get(page).want(http.StatusOK, "").says("main", "Nothing waits for you")
	var last string
	now := time.Now()
	for i := range 30 {
		last = b.hold(c, fmt.Sprint("city", i), fmt.Sprintf("Kontrolle <b>%d</b>", i), report.ReasonFloodCity, now.Add(time.Duration(i-30)*time.Second))
	}
	b.hold(c, "eager", "Kontrolle am Plärrer", report.ReasonFlood, now)
	b.hold(c, "old", "Kontrolle von gestern", report.ReasonFlood, now.Add(-2*time.Hour))

	t.Run("what the pages say", func(t *testing.T) {
		for _, path := range []string{"/settings", "/settings/reports", "/settings/reports?show=refused", page} {
			got := w.get(path)
			got.says("held", "30 reports in 29 s.")
			got.says("held", "we cannot check who wrote them")
			got.says("held", "2 reports in 2 h.")
		}
		list := w.get(page)
		list.says("reports", "Kontrolle <b>29</b>")
		list.says("reports", "Mute this author")
		w.get("/settings/reports?show=refused").says("reports", "Kontrolle am Plärrer")
	})
	t.Run("reading changes nothing", func(t *testing.T) {
		w.get("/settings/reports/let-through").want(http.StatusOK, "").says("main", "Let 32 reports through?")
		w.get("/settings/reports/throw-away").want(http.StatusOK, "").says("main", "Throw 32 reports away?")
		if held := b.held(c); held[report.ReasonFloodCity] != 30 || held[report.ReasonFlood] != 2 {
			t.Errorf("held %v", held)
		}
	})
	t.Run("what cannot be undone is asked for", func(t *testing.T) {
		for _, at := range []string{"/settings", page} {
			if body := w.get(at).body; strings.Contains(body, `action="/settings/reports/throw-away"`) {
				t.Errorf("%s throws away at the first tap", at)
			}
		}
		one := w.get("/settings/reports/throw-away?report=city4").want(http.StatusOK, "")
		one.says("main", "Kontrolle <b>4</b>")
		if got := one.fields("ask"); !slices.Equal(got[2:], []string{"report", "city4"}) {
			t.Errorf("the question is about %v", got)
		}
		group := w.get("/settings/reports/throw-away?reason=flood").want(http.StatusOK, "")
		group.says("main", "Throw 2 reports away?")
		if got := group.fields("ask"); got[2] != "reason" || got[3] != "flood" {
			t.Errorf("the question is about %v", got)
		}
		w.get("/settings/reports/throw-away?report=nothing").want(http.StatusSeeOther, page)
	})
	t.Run("one", func(t *testing.T) {
		w.post("/settings/reports/let-through", "report", "city3").want(http.StatusSeeOther, page)
		w.get(page).says("main", "1 report is on its way to everybody.")
		w.post("/settings/reports/let-through", "report", "city3").want(http.StatusSeeOther, page)
		w.get(page).says("main", "There was nothing left to decide.")
		w.post("/settings/reports/throw-away", "report", "city4").want(http.StatusSeeOther, page)
		w.get(page).says("main", "1 report is deleted.")
		w.get("/settings/reports").says("reports", "then let through by a moderator")
		w.post("/settings/reports/mute", "report", "city5", "show", "held").want(http.StatusSeeOther, page)
	})
	t.Run("a group, as it was seen", func(t *testing.T) {
		b.hold(c, "unseen", "Kontrolle später", report.ReasonFloodCity, now)
		w.post("/settings/reports/throw-away", "reason", "flood_city", "until", last).want(http.StatusSeeOther, page)
		w.get(page).says("main", "28 reports are deleted.")
		if held := b.held(c); held[report.ReasonFloodCity] != 1 || held[report.ReasonFlood] != 2 {
			t.Errorf("held %v", held)
		}
		for _, wrong := range []string{"", "0", "-1", "x"} {
			w.post("/settings/reports/throw-away", "reason", "flood_city", "until", wrong).want(http.StatusNotFound, "")
		}
		if held := b.held(c); len(held) != 2 {
			t.Errorf("held %v", held)
		}
	})
	t.Run("all, from the mail", func(t *testing.T) {
		ask := w.get("/settings/reports/let-through")
		before := b.sent
		w.post(attr(ask.id("ask"), "action"), ask.fields("ask")...).want(http.StatusSeeOther, page)
		w.get(page).says("main", "2 reports are on their way to everybody. 1 report was too old by now")
		if b.sent != before+2 { // one bot
			t.Errorf("%d fanouts are sent, want 2", b.sent-before)
		}
		w.get("/settings/reports/let-through").want(http.StatusSeeOther, page)
		w.get("/settings/reports?show=refused").says("reports", "Kontrolle von gestern")
	})
}

// TestStoppedCity stops a city and starts it again.
func TestStoppedCity(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	other := b.city("fuerth", "Fürth", b.moderator("two@example.org"))
	w, visitor := b.login("one@example.org"), b.browser()
	b.say(c, "passed", "U1 Plärrer", report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	b.ended(c, "passed", db.Counts{Sent: 1})
	b.say(c, "refused", "Guten Tag", report.Verdict{Reason: report.ReasonNoTrigger})
	b.hold(c, "held", "U2", report.ReasonFlood, time.Now())
	b.say(other, "theirs", "U3", report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	public := "/city/nuernberg"
	visitor.get(public).says("reports", "U1 Plärrer")

	w.get("/settings").says("pause", "Stop Nürnberg")
	ask := w.get("/settings/reports/pause").want(http.StatusOK, "")
	ask.says("main", "Stop Nürnberg?")
	ask.says("main", "take it back first")
	visitor.get(public).says("reports", "U1 Plärrer")
	w.post(attr(ask.id("ask"), "action"), ask.fields("ask")...).want(http.StatusSeeOther, "/settings#pause")
	page := w.get("/settings")
	page.says("pause", "Nürnberg is stopped. 3 reports are deleted")
	page.says("pause", "Take reports again")
	page.says("latest-passed", "Nothing has been passed on yet")
	w.get("/settings").says("main", "Nürnberg takes no reports at the moment.")
	shown := visitor.get(public)
	shown.says("paused", "Nürnberg takes no reports at the moment.")
	shown.silent("main", "U1 Plärrer")
	shown.silent("text", "@tickets.example")
	if shown.has("write") {
		t.Error("the page says how to report where nobody may")
	}
	if s := b.state(other); len(s.Passed) != 1 || !s.City.Paused.IsZero() {
		t.Errorf("the other city: %+v", s)
	}

	w.post("/settings/reports/pause").want(http.StatusSeeOther, "/settings#pause") // a second moderator
	w.get("/settings/reports/resume").want(http.StatusSeeOther, "/settings#pause")
	visitor.get(public).says("paused", "takes no reports")
	for range 2 {
		w.post("/settings/reports/resume").want(http.StatusSeeOther, "/settings#pause")
		w.get("/settings").says("pause", "Nürnberg takes reports again.")
		if body := visitor.get(public).body; strings.Contains(body, `id="paused"`) {
			t.Error("the page says that it takes none")
		}
	}
}
