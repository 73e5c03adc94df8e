package frontend

import (
	"net/http"
	"strings"
	"testing"

	"ticketfrei/internal/config"
	"ticketfrei/manage"
)

// TestClosedSignup shows no form where only the operator adds cities, and no way to one.
func TestClosedSignup(t *testing.T) {
	tn := newTown(t, func(o *Options) {
		o.Cities.SetDoor(manage.Door{Signup: config.SignupClosed, Operator: "operator@tickets.example"})
	})
	w := tn.browser()
	page := w.get("/register").want(http.StatusOK, "")
	page.says("closed", "operator@tickets.example")
	page.translated()
	if strings.Contains(page.body, `action="/register"`) {
		t.Error("there is a form")
	}
	w.post("/register", "email", "a@example.org", "city", "Berlin").want(http.StatusForbidden, "").says("closed", "operator@tickets.example")
	for _, path := range []string{"/", "/?q=nowhere", "/login"} {
		if strings.Contains(w.get(path).body, `href="/register"`) {
			t.Errorf("%s has a link to the form", path)
		}
	}
	if n := tn.mailCount(); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

// TestOffPagesInAllLanguages reads what visitors are told of a city that is off.
func TestOffPagesInAllLanguages(t *testing.T) {
	tn := newTown(t)
	c := tn.members("fuerth", "Fürth", "someone@example.org")
	w := tn.browser()
	for _, lang := range tn.site.Texts.Languages() {
		w.get("/city/fuerth?lang="+lang).want(http.StatusOK, "")
	}
	if _, err := tn.db.Suspend(t.Context(), c.ID, "spam"); err != nil {
		t.Fatal(err)
	}
	tn.notices.Changed(c.ID)
	for _, lang := range tn.site.Texts.Languages() {
		page := w.get("/city/fuerth?lang="+lang).want(http.StatusGone, "")
		page.translated()
		page.says("error", tn.site.Texts.T(lang, "error.city_suspended"))
		if strings.Contains(page.body, "spam") {
			t.Error("visitors read the reason")
		}
	}
}
