package frontend

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/manage"
)

// signUp fills in the form and returns the path of the link in the mail.
func (tn *town) signUp(w *browser, email, city string) string {
	tn.t.Helper()
	w.post("/register", "email", email, "city", city).want(http.StatusSeeOther, "/register/sent")
	_, _, _, link := tn.lastMail()
	return link
}

func TestRegisterErrorsComeBackAtTheirFields(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "someone@example.org")
	tests := []struct {
		name, email, city, field, says string
	}{
		{"no address", " ", "Berlin", "email-error", "enter your e-mail"},
		{"no domain", "rider", "Berlin", "email-error", "does not look like"},
		{"two addresses", "a@example.org, b@example.org", "Berlin", "email-error", "does not look like"},
		{"name and address", "R <a@example.org>", "Berlin", "email-error", "does not look like"},
		{"header injection", "a@example.org\nBcc: b@example.org", "Berlin", "email-error", "does not look like"},
		{"address too long", strings.Repeat("a", 250) + "@example.org", "Berlin", "email-error", "does not look like"},
		{"no city", "a@example.org", "  ", "city-error", "name of your city"},
		{"city too long", "a@example.org", strings.Repeat("a", 61), "city-error", "60"},
		{"city without an address", "a@example.org", "🚋🚋", "city-error", "No address"},
		{"reserved", "a@example.org", "Postmaster", "city-error", "reserved"},
		{"taken", "a@example.org", "FÜRTH", "city-error", "here already"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page := tn.browser().post("/register", "email", tt.email, "city", tt.city)
			page.want(http.StatusUnprocessableEntity, "").says(tt.field, tt.says)
			page.translated()
			if got, want := page.value("city"), strings.TrimSpace(tt.city); got != want {
				t.Errorf("the city came back as %q", got)
			}
			if attr(page.id(strings.TrimSuffix(tt.field, "-error")), "aria-invalid") != "true" {
				t.Error("the field is not marked")
			}
		})
	}
	if n := tn.mailCount(); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

func TestRegisterToSettings(t *testing.T) {
	tn := newTown(t)
	w := tn.browser()
	w.lang = "de"
	link := tn.signUp(w, " Rider@Example.org ", "  Bad   Tölz ")
	to, subject, text, _ := tn.lastMail()
	if to != "rider@example.org" || !strings.Contains(text, "bad-toelz@tickets.example") || strings.Contains(subject, "\n") {
		t.Errorf("mail to %s: %s\n%s", to, subject, text)
	}
	sent := w.get("/register/sent").want(http.StatusOK, "")
	sent.says("sent", "Mail mit einem Link")
	if strings.Contains(sent.body, "/demo") {
		t.Error("the page of a real server speaks of the demo")
	}

	// Mail scanners follow links.
	page := w.get(link).want(http.StatusOK, "")
	page.id("confirm")
	page.says("confirm", "rider@example.org")
	page.translated()
	if !strings.Contains(page.text(page.doc), "Bad Tölz bekommt die Mailadresse bad-toelz@tickets.example") {
		t.Errorf("the page does not say what will be made:\n%s", page.text(page.doc))
	}
	if _, err := tn.db.FindCity(t.Context(), "bad-toelz"); !errors.Is(err, db.ErrNotFound) {
		t.Fatalf("looking at the link made the city: %v", err)
	}
	w.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")

	tn.passwordMistakes(w, link)
	w.post(link, "password", boardPassword).want(http.StatusSeeOther, "/settings")
	settings := w.get("/settings").want(http.StatusOK, "")
	if !strings.Contains(settings.text(settings.doc), "Bad Tölz ist bereit") {
		t.Error("nobody is welcomed")
	}
	c, err := tn.db.FindCity(t.Context(), "bad-toelz")
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "Bad Tölz" || c.Language != "de" || c.Triggers != censor.DefaultTriggers("de") || c.Page != "" {
		t.Errorf("the city is %+v", c)
	}
	if _, err := tn.db.FindBot(t.Context(), c.ID, "mail"); err != nil {
		t.Errorf("bot of a network that is everywhere: %v", err)
	}
	if tn.changes(c) != 1 {
		t.Errorf("Changed was called %d times", tn.changes(c))
	}

	t.Run("a second confirm is harmless", func(t *testing.T) {
		other := tn.browser()
		other.get(link).want(http.StatusOK, "").id("confirmed")
		other.post(link, "password", "fünf Kontis im Schnee").want(http.StatusOK, "").id("confirmed")
		w.get(link).want(http.StatusSeeOther, "/settings")
		other.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
	})
	t.Run("the password is the one that was chosen", func(t *testing.T) {
		tn.login("rider@example.org")
	})
}

// passwordMistakes posts passwords that are refused behind a link.
func (tn *town) passwordMistakes(w *browser, link string) {
	tn.t.Helper()
	for _, tt := range []struct{ password, says string }{
		{"", "mindestens 10"},
		{"ü23456789", "mindestens 10"},
		{strings.Repeat("x", 257), "256"},
		{"Passwort12345", "leicht erraten"},
		{"qwertzuiop1", "leicht erraten"},
		{"Badtoelz2026", "leicht erraten"},
		{"Sommer2026!", "leicht erraten"},
		{strings.Repeat("ab", 128), "leicht erraten"},
		{"Rider@Example.org", "E-Mail-Adresse"},
		{"rider@example.org!1", "E-Mail-Adresse"},
	} {
		page := w.post(link, "password", tt.password).want(http.StatusUnprocessableEntity, "")
		page.says("password-error", tt.says)
		page.translated()
		if page.value("password") != "" {
			tn.t.Errorf("the password %q came back", tt.password)
		}
	}
}

func TestRegisterDoesNotTellWhoHasAnAccount(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "known@example.org")
	w := tn.browser()
	if link := tn.signUp(w, "known@example.org", "Erlangen"); link != "/login?next=/register" {
		t.Errorf("the mail links to %s", link)
	}
	if _, subject, _, _ := tn.lastMail(); !strings.Contains(subject, "already") {
		t.Errorf("subject %q", subject)
	}
	tn.signUp(w, "unknown@example.org", "Erlangen") // answers the same: see signUp
}

func TestRegisterLinks(t *testing.T) {
	tn := newTown(t)
	w := tn.browser()
	link := tn.signUp(w, "rider@example.org", "Erlangen")
	t.Run("broken", func(t *testing.T) {
		page := w.get(link[:len(link)-3]).want(http.StatusNotFound, "")
		page.says("error", "not complete")
		w.post("/confirm/x").want(http.StatusNotFound, "")
	})
	t.Run("of another kind", func(t *testing.T) {
		token := tn.box.Sign(manage.PurposePassword, "1", tn.clock.time().Add(time.Hour))
		w.post("/confirm/"+token).want(http.StatusNotFound, "")
	})
	t.Run("too old", func(t *testing.T) {
		tn.clock.pass(registerFor + 2*time.Second)
		w.post(link).want(http.StatusGone, "").says("error", "too old")
	})
}

func TestRegisterNameTakenMeanwhile(t *testing.T) {
	tn := newTown(t)
	w := tn.browser()
	link := tn.signUp(w, "rider@example.org", "Erlangen")
	tn.members("erlangen", "Erlangen", "faster@example.org")

	w.post(link, "password", boardPassword).want(http.StatusConflict, "").says("city-error", "cannot have this name")
	page := w.get(link).want(http.StatusOK, "")
	if page.value("city") != "Erlangen" {
		t.Errorf("the field holds %q", page.value("city"))
	}
	w.post(link, "city", "admin", "password", boardPassword).want(http.StatusUnprocessableEntity, "").says("city-error", "reserved")
	w.post(link, "city", "Erlangen Süd", "password", boardPassword).want(http.StatusSeeOther, "/settings")
	if _, err := tn.db.FindCity(t.Context(), "erlangen-sued"); err != nil {
		t.Error(err)
	}
}

func TestModeratorAddsAnotherCity(t *testing.T) {
	tn := newTown(t)
	first := tn.members("fuerth", "Fürth", "rider@example.org")
	w := tn.login("rider@example.org")
	page := w.get("/register").want(http.StatusOK, "")
	if page.has("email") || page.has("password") {
		t.Error("somebody who is logged in is asked who they are")
	}
	w.post("/register", "city", "Fürth").want(http.StatusUnprocessableEntity, "").says("city-error", "here already")
	w.post("/register", "city", "Zirndorf").want(http.StatusSeeOther, "/settings")
	if tn.mailCount() != 0 {
		t.Error("a mail was sent")
	}
	if got := w.get("/settings").want(http.StatusOK, "").value("switch-city-select"); got == "" {
		t.Error("no city is chosen")
	}
	made, err := tn.db.FindCity(t.Context(), "zirndorf")
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string { return w.get("/settings").value("switch-city-select") }
	if shown() != idOf(made) {
		t.Error("the settings are not those of the new city")
	}
	w.post("/settings/city", "city", idOf(first)).want(http.StatusSeeOther, "/settings")
	if shown() != idOf(first) {
		t.Error("the city was not changed")
	}

	foreign := tn.members("berlin", "Berlin", "other@example.org")
	w.post("/settings/city", "city", idOf(foreign)).want(http.StatusNotFound, "")
	w.post("/settings/city", "city", "x").want(http.StatusBadRequest, "")
	if shown() != idOf(first) {
		t.Error("the city of somebody else was reached")
	}
}

func TestRegisterShowsTheAddress(t *testing.T) {
	tn := newTown(t)
	tn.members("fuerth", "Fürth", "someone@example.org")
	for query, want := range map[string]string{
		"N%C3%BCrnberg": "nuernberg@tickets.example", "F%C3%BCrth": "here already", "x": "No address", "abuse": "reserved", "": "",
	} {
		resp, a := tn.request(http.MethodGet, "/register/name?city="+query, "")
		if !strings.Contains(a.body, want) || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %s %q, want %q", query, resp.Header.Get("Content-Type"), a.body, want)
		}
	}
	page := tn.browser().post("/register", "email", "x", "city", "Nürnberg")
	page.says("city-address", "nuernberg@tickets.example")
}

func TestWhereNoMailCanLeaveTheLinkIsInTheLog(t *testing.T) {
	for name, tt := range map[string]struct {
		mail  config.Mail
		inLog bool
	}{
		"laptop":     {config.Mail{Domain: "localhost", From: "t@localhost"}, true},
		"with relay": {config.Mail{Domain: "localhost", From: "t@localhost", Relay: "smtp://127.0.0.1:1"}, false},
		"directly":   {config.Mail{Domain: "tickets.example", From: "t@tickets.example"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tn := newTown(t, func(o *Options) { o.Config.Mail = tt.mail })
			tn.browser().post("/register", "email", "rider@example.org", "city", "Erlangen").
				want(http.StatusSeeOther, "/register/sent")
			if got := strings.Contains(tn.log.String(), "link="+tn.url+"/confirm/"); got != tt.inLog {
				t.Errorf("link in the log: %v\n%s", got, tn.log)
			}
			if got := tn.mailCount() == 0; got != tt.inLog {
				t.Errorf("%d mails", tn.mailCount())
			}
		})
	}
}

func TestDemoSaysWhereTheMailIs(t *testing.T) {
	tn := newTown(t, func(o *Options) { o.Demo = true })
	page := tn.browser().get("/register/sent")
	var links []string
	for _, a := range page.all("a") {
		links = append(links, attr(a, "href"))
	}
	if !slices.Contains(links, "/demo/mail") {
		t.Errorf("links: %q", links)
	}
}
