package app

import (
	"context"
	"strings"
	"testing"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/slow"
)

// TestBrowserLines looks at the lines of a city as they change.
func TestBrowserLines(t *testing.T) {
	slow.Test(t, "looks at pages in a real browser")
	t.Parallel()
	chromium := startChromium(t)
	for _, v := range []visitor{
		{name: "phone", width: 390, height: 844, language: "de"},
		{name: "small phone", width: 320, height: 600, language: "ar"},
		{name: "desktop", width: 1280, height: 900, language: "en"},
	} {
		t.Run(v.name, func(t *testing.T) { watchLines(t, chromium, v) })
	}
}

func watchLines(t *testing.T, chromium context.Context, v visitor) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	c := a.addCity("nuernberg", "nichts", "")
	dbtest.MustSavePlaces(t, a.server.db, c.ID, demoPlaces)
	a.server.notices.Changed(c.ID)
	w := a.open(t, chromium, v)
	w.goTo("/city/nuernberg/lines")
	w.sees(`details[data-line="U3"]`)
	ask[bool](w, `document.querySelector('details[data-line="U3"] summary').click() || true`)
	w.audit()

	a.mustSend("one@riders.example", "nuernberg@tickets.example", "one@riders.example", "", "U1 Plärrer Richtung Langwasser")
	waitUntil(w, "a report on its line", func() bool {
		return strings.Contains(w.text(`details[data-line="U1"] .seen`), "Plärrer")
	})
	w.audit()
	if first := ask[string](w, `document.querySelector(".strip").dataset.line`); first != "U1" {
		t.Errorf("the first line is %s, not the one with a report", first)
	}
	if !ask[bool](w, `document.querySelector('details[data-line="U3"]').open`) {
		t.Error("a change closed a line that somebody had opened")
	}

	ask[bool](w, `document.querySelector('details[data-line="U1"] .seen a').focus() || true`)
	a.mustSend("two@riders.example", "nuernberg@tickets.example", "two@riders.example", "", "U1 Plärrer wieder frei")
	waitUntil(w, "the all-clear", func() bool {
		return strings.Contains(w.text(`details[data-line="U1"] .clear .stop-name`), "Plärrer")
	})
	if focused := ask[string](w, `document.activeElement.textContent`); !strings.Contains(focused, "Plärrer") {
		t.Errorf("the focus went to %q", focused)
	}
	w.audit()

	w.press(`details[data-line="U3"] .stops li:nth-child(2) a`)
	w.at("/city/nuernberg")
	if typed := ask[string](w, `document.getElementById("report-text").value.trim()`); typed != "U3 Gustav-Adolf-Straße" {
		t.Errorf("a stop has %q in the field", typed)
	}
	typePlaces(w)
}

// typePlaces stores other lines as a moderator does.
func typePlaces(w *window) {
	w.Helper()
	w.goTo("/settings/places")
	w.typeInto("#email", "moderator@nuernberg.example")
	w.typeInto("#password", password)
	w.press("#login button")
	w.typeInto("#text", "U1 Plärrer")
	w.press(`#try button`)
	w.reads("#tried", "Plärrer")
	ask[bool](w, `(document.querySelector("#places-text").value = "U1: Plärrer") !== ""`)
	w.press("#places-form > .buttons button")
	w.at("/settings/places")
	w.sees(".success")
}
