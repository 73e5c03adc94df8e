package frontend

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"ticketfrei/db/dbtest"
	"ticketfrei/intent"
	"ticketfrei/internal/report"
)

// checked tells whether a box is ticked.
func (a answer) checked(name string) bool {
	return a.find(func(n *html.Node) bool {
		return n.Data == "input" && attr(n, "name") == name && attr(n, "type") == "checkbox" && hasAttr(n, "checked")
	}) != nil
}

// TestWhatCountsAsAReport has a moderator switch both kinds off and on again.
func TestWhatCountsAsAReport(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	for _, tt := range []struct {
		fields             []string
		questions, replies bool
	}{
		{nil, true, true}, // as a city begins
		{[]string{"questions", "yes"}, true, false},
		{[]string{"replies", "yes"}, false, true},
		{[]string{}, false, false},
		{[]string{"questions", "yes", "replies", "yes"}, true, true},
	} {
		if tt.fields != nil {
			before := b.changes(c)
			w.post("/settings/rules/hearing", tt.fields...).want(http.StatusSeeOther, "/settings/rules#hearing")
			if b.changes(c) == before {
				t.Error("nobody was told of the change")
			}
			w.get("/settings/rules").says("hearing", "That is saved.")
		}
		page := w.get("/settings/rules").want(http.StatusOK, "")
		if page.checked("questions") != tt.questions || page.checked("replies") != tt.replies {
			t.Errorf("%q: the page shows %v and %v", tt.fields, page.checked("questions"), page.checked("replies"))
		}
		got, err := b.db.City(t.Context(), c.ID)
		if err != nil || got.Questions != tt.questions || got.Replies != tt.replies {
			t.Errorf("%q: stored %v and %v, %v", tt.fields, got.Questions, got.Replies, err)
		}
	}
	w.get("/settings/rules/hearing").want(http.StatusSeeOther, "/settings/rules#hearing")
}

// TestTryingAQuestion tries sentences that are questions, may be some, and are none.
func TestTryingAQuestion(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.site.Cities.Intents = intent.New(intent.BuiltIn())
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	try := func(text string) answer {
		t.Helper()
		return w.post("/settings/rules/try", "text", text, "triggers", "*", "blocked", "").want(http.StatusOK, "")
	}
	page := try("Wo sind gerade Kontis?")
	page.says("taken", "taken for a question or a thank-you")
	page.says("verdict", "Would be answered and not passed on")
	page.says("verdict", "Without that: Passed")
	page.silent("verdict", "Would be passed on")
	page = try("Kontrolle am Plärrer?")
	page.says("taken", "may also be a question")
	page.says("verdict", "Would be passed on")
	for _, text := range []string{"U1 Plärrer, 2 Kontis", "! Wo sind gerade Kontis?"} {
		if try(text).has("taken") {
			t.Errorf("%q is taken for a question", text)
		}
	}
	dbtest.MustSaveHearing(t, b.db, c.ID, false, true)
	if try("Wo sind gerade Kontis?").has("taken") {
		t.Error("a question is answered where the city does not want that")
	}
}

// TestQuestionIsLetThrough has a moderator let through what was taken for a question.
func TestQuestionIsLetThrough(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	const list = "/settings/reports?show=refused"
	ask := func(id string, at time.Time) {
		r := report.Report{ID: id, CityID: c.ID, Network: "tram", NetworkID: id, Author: "author", Question: true,
			Text: "Kontrolle am Plärrer? " + id, Visibility: report.Private, Time: at, Received: at}
		dbtest.MustJudge(t, b.db, dbtest.MustHear(t, b.db, r), report.Verdict{Reason: report.ReasonQuestion}, dbtest.NoBrake{})
	}
	ask("fresh", time.Now())
	ask("old", time.Now().Add(-20*time.Hour))
	page := w.get(list)
	page.says("reports", "it was taken for a question or a thank-you.")
	if n := strings.Count(page.body, `action="/settings/reports/let-through"`); n != 2 || page.has("held") {
		t.Errorf("%d can be let through", n)
	}
	w.post("/settings/reports/let-through", "report", "fresh", "show", "refused").want(http.StatusSeeOther, list)
	if page := w.get(list); !strings.Contains(page.body, "1 report is on its way to everybody.") || strings.Contains(page.body, "Plärrer? fresh") {
		t.Errorf("after that the page is:\n%s", page.body)
	}
	w.get("/settings/reports").says("reports", "Kontrolle am Plärrer? fresh")
	w.post("/settings/reports/let-through", "report", "fresh", "show", "refused").want(http.StatusSeeOther, list)
	if page := w.get(list); !strings.Contains(page.body, "There was nothing left to decide.") {
		t.Error("the second click says nothing")
	}
	w.post("/settings/reports/let-through", "report", "old", "show", "refused").want(http.StatusSeeOther, list)
	if page := w.get(list); !strings.Contains(page.body, "1 report was too old by now") {
		t.Error("what is too late is let through")
	}
}
