package frontend

import (
	"net/http"
	"strings"
	"testing"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// TestUndo resets and takes back without a question, and has it all as it was before.
func TestUndo(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	b.city("fuerth", "Fürth", b.moderator("other@example.org"))
	w, other := b.login("one@example.org"), b.login("other@example.org")
	const text, places = "Meine Seite", "U1: Plärrer, Fürth"
	w.post("/settings/texts", "name", "Nürnberg", "language", "de", "page", text)
	dbtest.MustSavePlaces(t, b.db, c.ID, places)
	b.say(c, "wrong", "Kontrolle am Plärrer", report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "kontrolle"})
	for _, tt := range []struct {
		name   string
		form   []string
		page   string
		act    string
		intact func() bool
	}{
		{"rules", []string{"/settings/rules/reset"}, "/settings/rules", manage.ActRulesReset, func() bool {
			c, _ := b.db.City(t.Context(), c.ID)
			return c.Triggers == "kontrolle\nU[123]" && c.Blocked == "quatsch"
		}},
		{"text", []string{"/settings/texts/reset"}, "/settings/texts", manage.ActTextReset, func() bool { c, _ := b.db.City(t.Context(), c.ID); return c.Page == text }},
		{"places", []string{"/settings/places", "places", ""}, "/settings/places", manage.ActPlaces, func() bool { p, _ := b.db.Places(t.Context(), c.ID); return p == places }},
		{"take-back", []string{"/settings/reports/take-back", "report", "wrong"}, "/settings/reports", manage.ActTakenBack, func() bool {
			j, err := b.db.Report(t.Context(), c.ID, "wrong")
			return err == nil && j.Verdict == report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "kontrolle"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !tt.intact() {
				t.Fatal("it is not as it should be at first")
			}
			w.post(tt.form[0], tt.form[1:]...)
			if tt.intact() {
				t.Fatal("nothing was done")
			}
			page := w.get(tt.page).want(http.StatusOK, "")
			form := page.fields("undo")
			if again := w.get(tt.page); again.has("undo") {
				t.Error("it is offered for ever")
			}
			other.post("/settings/undo", "act", tt.act, "subject", "wrong", "back", "/settings")
			if tt.intact() {
				t.Error("another city can undo it")
			}
			w.post("/settings/undo", form...).want(http.StatusSeeOther, tt.page)
			w.get(tt.page).says("main", "It is as it was before.")
			if !tt.intact() {
				t.Error("it is not as it was before")
			}
			w.post("/settings/undo", form...).want(http.StatusSeeOther, tt.page)
			w.get(tt.page).says("main", "It is too late to undo that.")
		})
	}
	w.post("/settings/undo", "act", "made up", "back", "https://evil.example").want(http.StatusSeeOther, "/settings")
}

// TestUndoLeavesWhatOthersHaveSaved undoes what somebody else has changed since.
func TestUndoLeavesWhatOthersHaveSaved(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w, other := b.login("one@example.org"), b.login("one@example.org")
	w.post("/settings/texts", "name", "Nürnberg", "language", "de", "page", "Meine Seite")
	for _, tt := range []struct {
		path, page, act string
		others          []string
		stays           func() bool
	}{
		{"/settings/rules/reset", "/settings/rules", manage.ActRulesReset, []string{"/settings/rules/words", "add", "kontrolletti"}, func() bool { return strings.Contains(b.stored(c).Triggers, "kontrolletti") }},
		{"/settings/texts/reset", "/settings/texts", manage.ActTextReset, []string{"/settings/texts", "name", "Nürnberg", "language", "de", "page", "Andere Seite"}, func() bool { return b.stored(c).Page == "Andere Seite" }},
	} {
		w.post(tt.path)
		other.post(tt.others[0], tt.others[1:]...).code(http.StatusSeeOther)
		w.post("/settings/undo", "act", tt.act, "back", tt.page).want(http.StatusSeeOther, tt.page)
		w.get(tt.page).says("main", "Somebody has changed it since")
		if !tt.stays() {
			t.Errorf("%s: undone over what somebody else has saved", tt.act)
		}
	}
}
