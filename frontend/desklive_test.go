package frontend

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/report"
)

// follow opens the event stream of the overview.
func (w *browser) follow() *watcher {
	w.b.t.Helper()
	req, err := http.NewRequestWithContext(w.b.t.Context(), http.MethodGet, w.b.url+"/settings/live", nil)
	if err != nil {
		w.b.t.Fatal(err)
	}
	client := *w.client
	client.Timeout = 0
	resp, err := client.Do(req)
	if err != nil {
		w.b.t.Fatal(err)
	}
	w.b.t.Cleanup(func() { resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(got, "text/event-stream") {
		w.b.t.Fatalf("status %d, %s", resp.StatusCode, got)
	}
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 1<<20)
	return &watcher{t: w.b.t, resp: resp, in: in}
}

// TestDeskLive has the overview follow what happens: its own city, and no other.
func TestDeskLive(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	other := b.city("fuerth", "Fürth", b.moderator("other@example.org"))
	w := b.login("one@example.org")
	tram, err := b.db.FindBot(t.Context(), c.ID, "tram")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.db.SetBotState(t.Context(), tram.ID, report.BotRunning, "", false); err != nil {
		t.Fatal(err)
	}
	heard := func(c report.City, botID int64, id string, v report.Verdict) {
		t.Helper()
		b.sayVia(c, botID, id, "Kontrolle "+id, v)
		b.bus.Tell(c.ID, bus.ReportPassed, time.Now(), nil)
	}
	stream := w.follow()
	if e, ok := stream.next(); !ok || e.name != "picture" || !strings.Contains(e.data, "0 reports passed on") {
		t.Fatalf("it begins with %s: %s", e.name, e.data)
	}
	heard(other, 0, "elsewhere", report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	heard(c, tram.ID, "here", report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	e, _ := stream.next()
	var went run
	key := fmt.Sprint("bot-", tram.ID)
	if err := json.Unmarshal([]byte(e.data), &went); err != nil || e.name != "run" || !slices.Equal(went.From, []string{key}) || !slices.Equal(went.To, []string{key}) {
		t.Errorf("%s: %s, %v", e.name, e.data, err)
	}
	if e, _ = stream.next(); e.name != "picture" || !strings.Contains(e.data, "1 report passed on") {
		t.Errorf("%s: %s", e.name, e.data)
	}
	heard(c, tram.ID, "held", report.Verdict{Reason: report.ReasonNoTrigger})
	if e, _ = stream.next(); e.name != "run" || strings.Contains(e.data, `"to":[`) {
		t.Errorf("what does not pass goes on: %s: %s", e.name, e.data)
	}
	if e, _ = stream.next(); !strings.Contains(e.data, "1 × Held back: no trigger pattern fits it") {
		t.Errorf("%s: %s", e.name, e.data)
	}
	if err := b.db.SetBotState(t.Context(), tram.ID, report.BotTrouble, "The line is dead.", true); err != nil {
		t.Fatal(err)
	}
	b.bus.Tell(c.ID, bus.Bot+"trouble", time.Now(), nil)
	if e, _ = stream.next(); e.name != "picture" || !strings.Contains(e.data, "In trouble since") || !strings.Contains(e.data, "tries again by itself") {
		t.Errorf("%s: %s", e.name, e.data)
	}
	id, removed := b.member(c, "two@example.org", report.Moderator)
	theirs := removed.follow()
	if e, _ = theirs.next(); e.name != "picture" {
		t.Errorf("%s: %s", e.name, e.data)
	}
	if err := b.db.RemoveModerator(t.Context(), c.ID, id); err != nil {
		t.Fatal(err)
	}
	heard(c, tram.ID, "secret", report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	for e, ok := theirs.next(); ok; e, ok = theirs.next() {
		if e.name == "picture" {
			t.Errorf("who was removed still sees: %s", e.data)
		}
	}
	b.site.Close() // and the stream with it
	for _, ok := stream.next(); ok; _, ok = stream.next() {
	}
}

// TestOverviewSaysWhatNeedsAPerson shows the worst first, and all well where nothing does.
func TestOverviewSaysWhatNeedsAPerson(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	need := func(text, path string) {
		t.Helper()
		page := w.get("/settings").want(http.StatusOK, "")
		page.says("need", text)
		if !strings.Contains(page.body, `href="`+path+`"`) {
			t.Errorf("nothing leads to %s", path)
		}
	}
	need("All is well", "/settings/rules")
	trams, err := b.db.NetworkBots(t.Context(), c.ID, "tram")
	if err != nil || len(trams) != 1 {
		t.Fatal(trams, err)
	}
	if err := b.db.EnableBot(t.Context(), trams[0].ID, false); err != nil {
		t.Fatal(err)
	}
	need("No bot is switched on, so nobody can write.", "/settings/networks")
	if err := b.db.EnableBot(t.Context(), trams[0].ID, true); err != nil {
		t.Fatal(err)
	}
	if err := b.db.SetBotState(t.Context(), trams[0].ID, report.BotTrouble, "The line is dead.", false); err != nil {
		t.Fatal(err)
	}
	need("is in trouble, and tries again by itself", "/settings/rules")
	b.hold(c, "late", "Kontrolle am Plärrer", report.ReasonFlood, time.Now())
	need("1 report waits for you to decide.", "/settings/reports?show=held")
	tram, err := b.db.FindBot(t.Context(), c.ID, "tram")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.db.SetBotState(t.Context(), tram.ID, report.BotAttention, "The token was revoked.", false); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprint("bot-", tram.ID)
	need("Toy tram needs you. The token was revoked.", "/settings/networks#"+at)
	w.get("/settings/networks").says(at, "Like this since:")
	if _, err := b.Pause(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	need("takes no reports", "#pause")
}

// TestFirstSteps tick themselves off, and go when all are done or nobody wants them.
func TestFirstSteps(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	m := b.moderator("one@example.org")
	c := b.city("nuernberg", "Nürnberg", m)
	w := b.login("one@example.org")
	done := func(want ...string) {
		t.Helper()
		var got []string
		page := w.get("/settings").want(http.StatusOK, "")
		for _, name := range []string{stepText, stepBot, stepTest, stepSecond} {
			if attr(page.id("step-"+name), "class") == "done" {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("done are %q, want %q", got, want)
		}
	}
	done()
	w.post("/settings/steps", "step", "test").want(http.StatusNotFound, "") // only by sending one
	w.post("/settings/steps", "step", "text").want(http.StatusSeeOther, "/settings#steps")
	done(stepText)
	tram, err := b.db.FindBot(t.Context(), c.ID, "tram")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.db.SetBotState(t.Context(), tram.ID, report.BotRunning, "", false); err != nil {
		t.Fatal(err)
	}
	done(stepText, stepBot)
	if err := b.db.SetBotState(t.Context(), tram.ID, report.BotTrouble, "it is away", false); err != nil {
		t.Fatal(err)
	}
	done(stepText, stepBot) // what is done is done
	w.post("/settings/steps/test", "report", " ").want(http.StatusUnprocessableEntity, "").says("test-error", "Write something first.")
	w.post("/settings/steps/test", "report", "U1").want(http.StatusConflict, "") // nothing hears here
	second := b.city("fuerth", "Fürth", m)
	w.post("/settings/city", "city", fmt.Sprint(second.ID))
	w.post("/settings/steps", "step", "over").want(http.StatusSeeOther, "/settings#steps")
	if w.get("/settings").has("steps") {
		t.Error("they are shown though nobody wants them")
	}
	w.post("/settings/city", "city", fmt.Sprint(c.ID))
	done(stepText, stepBot) // of this city they are wanted
	if err := b.db.NoteStep(t.Context(), c.ID, stepTest); err != nil {
		t.Fatal(err)
	}
	inv, err := b.db.CreateInvitation(t.Context(), db.Invitation{CityID: c.ID, Email: "two@example.org", Role: report.Moderator})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.AcceptInvitation(t.Context(), inv.ID, "hash"); err != nil {
		t.Fatal(err)
	}
	if w.get("/settings").has("steps") {
		t.Error("they are shown though all are done")
	}
}

// TestOverviewOfAHelper leads only where helpers may go.
func TestOverviewOfAHelper(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	_, w := b.member(c, "helper@example.org", report.Helper)
	b.say(c, "odd", "hallo", report.Verdict{Reason: report.ReasonNoTrigger})
	page := w.get("/settings").want(http.StatusOK, "")
	for _, is := range []string{`href="/settings/networks`, `href="/settings/reports/always`, `href="/settings/rules`, `action="/settings/steps`, `href="/settings/reports/pause"`} {
		if strings.Contains(page.body, is) {
			t.Errorf("a helper sees %s", is)
		}
	}
	b.say(c, "wrong", "Kontrolle", report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	w.post("/settings/reports/take-back", "report", "wrong").want(http.StatusSeeOther, "/settings/reports?show=passed")
	form := w.get("/settings/reports").fields("undo")
	w.post("/settings/undo", form...).want(http.StatusSeeOther, "/settings/reports")
	if j, err := b.db.Report(t.Context(), c.ID, "wrong"); err != nil || !j.Verdict.Passed {
		t.Errorf("the helper's take-back is not undone: %+v, %v", j.Verdict, err)
	}
	w.post("/settings/undo", "act", "rules.reset").want(http.StatusForbidden, "")
}
