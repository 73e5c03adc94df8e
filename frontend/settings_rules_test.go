package frontend

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"ticketfrei/censor"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

func TestSettingsRules(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	stored := func(t *testing.T) report.City {
		t.Helper()
		got, err := b.db.City(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	t.Run("what is stored is shown", func(t *testing.T) {
		page := w.get("/settings/rules").want(http.StatusOK, "")
		if got := page.value("triggers"); got != c.Triggers {
			t.Errorf("triggers %q, want %q", got, c.Triggers)
		}
		if got := page.value("blocked"); got != c.Blocked {
			t.Errorf("blocked %q, want %q", got, c.Blocked)
		}
	})
	t.Run("saving", func(t *testing.T) {
		before := b.changes(c)
		w.post("/settings/rules", "triggers", "Plärrer\r\nkontis?\r\n", "blocked", "Blödsinn").want(http.StatusSeeOther, "/settings/rules#rules")
		if got := stored(t); got.Triggers != "Plärrer\nkontis?" || got.Blocked != "Blödsinn" {
			t.Errorf("stored %q and %q", got.Triggers, got.Blocked)
		}
		if b.changes(c) == before {
			t.Error("nobody was told of the change")
		}
		page := w.get("/settings/rules")
		page.says("rules", "The rules are saved.")
		w.get("/settings/rules").silent("rules", "The rules are saved.")
	})
	t.Run("a pattern that cannot be read is refused at its line", func(t *testing.T) {
		before := stored(t)
		page := w.post("/settings/rules", "triggers", "gut\r\n\r\nU[12\r\nna(", "blocked", "typed").want(http.StatusUnprocessableEntity, "")
		page.says("triggers-error", "Line 3: U[12 An opening square bracket")
		page.says("triggers-error", "Line 4: na( An opening bracket")
		if got := page.value("triggers"); got != "gut\n\nU[12\nna(" {
			t.Errorf("what was typed came back as %q", got)
		}
		if got := page.value("blocked"); got != "typed" {
			t.Errorf("what was typed came back as %q", got)
		}
		if got := stored(t); got != before {
			t.Errorf("stored %+v", got)
		}
	})
	t.Run("too long", func(t *testing.T) {
		page := w.post("/settings/rules", "triggers", "*", "blocked", strings.Repeat("x\n", manage.MaxRules)).want(http.StatusUnprocessableEntity, "")
		page.says("blocked-error", strconv.Itoa(manage.MaxRules))
	})
	t.Run("a mail with a photo is answered, and not cut off", func(t *testing.T) {
		w.post("/settings/rules/try", "text", strings.Repeat("x", 12<<20)).want(http.StatusRequestEntityTooLarge, "").says("error", "too much text")
	})
	t.Run("what passes waits where moderators look first", func(t *testing.T) {
		try := func() answer {
			return w.post("/settings/rules/try", "text", "Kontis", "triggers", "kontis?", "blocked", "").want(http.StatusOK, "")
		}
		try().silent("verdict", "one of you looks at it")
		for _, a := range []string{"all", "new", ""} {
			w.post("/settings/reports/approval", "approval", a).want(http.StatusSeeOther, "/settings/reports#approval")
			if a != "" {
				try().says("verdict", "one of you looks at it")
			}
		}
	})
	t.Run("trying unsaved rules", func(t *testing.T) {
		before := stored(t)
		page := w.post("/settings/rules/try", "text", "Straßenbahn, 2 Kontis", "triggers", "straßen", "blocked", "").want(http.StatusOK, "")
		page.says("verdict", "Would be passed on")
		page.says("verdict", "straßen")
		page.says("verdict", "not saved yet")
		if got := page.value("text"); got != "Straßenbahn, 2 Kontis" {
			t.Errorf("the sentence came back as %q", got)
		}
		page = w.post("/settings/rules/try", "text", "Straßenbahn, so ein Quatsch", "triggers", "*", "blocked", "quatsch").want(http.StatusOK, "")
		page.says("verdict", "Would not be passed on")
		page.says("verdict", "blocked word of yours: quatsch")
		page = w.post("/settings/rules/try", "text", "schönes Wetter", "triggers", "kontis", "blocked", "").want(http.StatusOK, "")
		page.says("verdict", "no trigger pattern fits")
		dbtest.MustSavePlaces(t, b.db, c.ID, "U7: Yorckstr, Mehringdamm")
		page = w.post("/settings/rules/try", "text", "Yorckstr jetzt", "triggers", "kontis", "blocked", "").want(http.StatusOK, "")
		page.says("verdict", "it names a line or a stop of your city: Yorckstr")
		page = w.post("/settings/rules/try", "text", "wieder weg", "triggers", "kontis", "blocked", "").want(http.StatusOK, "")
		page.says("verdict", "it is an all-clear")
		page = w.post("/settings/rules/try", "text", "Yorckstr jetzt", "triggers", "kontis", "blocked", "yorckstr").want(http.StatusOK, "")
		page.says("verdict", "blocked word of yours: yorckstr")
		w.post("/settings/rules/try", "text", "x", "triggers", "(", "blocked", "").want(http.StatusUnprocessableEntity, "").says("triggers-error", "Line 1:")
		if got := stored(t); got != before {
			t.Errorf("trying stored %+v", got)
		}
	})
	t.Run("too expensive", func(t *testing.T) {
		before := stored(t)
		nasty := "kontis\n" + strings.Repeat("[a-h].{94}z\n", 100)
		for _, path := range []string{"/settings/rules", "/settings/rules/try"} {
			page := w.post(path, "text", strings.Repeat("abcdefgh", 600), "triggers", nasty, "blocked", "").want(http.StatusUnprocessableEntity, "")
			page.says("triggers-error", "Line 2:")
			page.says("triggers-error", "[a-h].{94}z")
			page.says("triggers-error", "too much computing time")
			if strings.Contains(page.body, "Line 1:") {
				t.Error("blames the line that costs nothing")
			}
		}
		if got := stored(t); got != before {
			t.Errorf("stored %+v", got)
		}
	})
	t.Run("the suggestion", func(t *testing.T) {
		w.post("/settings/rules/reset").want(http.StatusSeeOther, "/settings/rules#rules")
		got := stored(t)
		if got.Triggers != censor.DefaultTriggers("de") || got.Blocked != censor.DefaultBlocked("de") {
			t.Errorf("stored %+v", got)
		}
	})
	t.Run("no trigger at all is possible and said", func(t *testing.T) {
		w.post("/settings/rules", "triggers", " ", "blocked", "").want(http.StatusSeeOther, "/settings/rules#rules")
		w.get("/settings/rules").says("rules", "only what names a line or a stop of the city is passed on")
	})
}

func TestOutcomeTexts(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	for _, reason := range []report.Reason{report.ReasonTrigger, report.ReasonPlace, report.ReasonClear, report.ReasonEmpty, report.ReasonTooLong,
		report.ReasonNoTrigger, report.ReasonBlocked, report.ReasonSlur, report.ReasonRepeated,
		report.ReasonFlood, report.ReasonMuted, report.ReasonExpired, report.ReasonTakenBack, report.ReasonTrouble} {
		o := newVerdict(report.Verdict{Reason: reason})
		if !b.site.Texts.Has(o.Reason) || o.Reason == "settings.reason.unknown" {
			t.Errorf("%s: text id %s", reason, o.Reason)
		}
	}
	for _, detail := range []string{report.DetailDeleted, report.DetailChanged, "kontis?"} {
		o := newVerdict(report.Verdict{Reason: report.ReasonTakenBack, Detail: detail})
		if !b.site.Texts.Has(o.Reason) || o.Detail != "" || (o.Reason == "settings.reason.taken_back") != (detail == "kontis?") {
			t.Errorf("taken back, %s: %+v", detail, o)
		}
	}
	if o := newVerdict(report.Verdict{Reason: "new"}); o.Reason != "settings.reason.unknown" || o.Detail != "new" {
		t.Errorf("a reason that is not known yet: %+v", o)
	}
}
