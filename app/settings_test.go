package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestSettingsActOnTheNextReport changes settings in the browser and mails a
// report right afterwards.
func TestSettingsActOnTheNextReport(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis", "")
	a.subscribe(box, "nuernberg", "one@riders.example")
	b := a.login("moderator@nuernberg.example")
	send := func(id, text string) { a.mustSend(id+"@x.example", here, id+"@x", "", text) }

	send("m1", "Kontis hier")
	box.waitFor(t, "one@riders.example", "Kontis hier")

	b.post("/settings/rules", url.Values{"triggers": {"zivile"}, "blocked": {""}}, http.StatusOK)
	send("m2", "Kontis dort")
	send("m3", "Zivile dort")
	box.waitFor(t, "one@riders.example", "Zivile dort")

	page := b.post("/settings/rules", url.Values{"triggers": {"gut\n(kaputt"}, "blocked": {""}}, http.StatusUnprocessableEntity)
	if !strings.Contains(page, "(kaputt") || !strings.Contains(page, "2") {
		t.Error("the refused pattern is not shown with its line")
	}
	send("m4", "Zivile noch immer")
	box.waitFor(t, "one@riders.example", "Zivile noch immer")

	a.subscribe(box, "nuernberg", "two@riders.example")
	send("m5", "Zivile für zwei")
	box.waitFor(t, "two@riders.example", "Zivile für zwei")

	b.post("/settings/bots/mail/disable", nil, http.StatusOK)
	if err := a.send("m6@x.example", here, "m6@x", "", "Zivile ohne Bot"); err == nil {
		t.Error("a city whose mail bot is off took a mail")
	}
	b.post("/settings/bots/mail/enable", nil, http.StatusOK)
	send("m7", "Zivile am Ende")
	box.waitFor(t, "two@riders.example", "Zivile am Ende")
	a.settled()
	for _, text := range []string{"Kontis dort", "Zivile ohne Bot"} {
		if len(box.to(t, "one@riders.example", text)) > 0 {
			t.Errorf("%q was relayed against the settings", text)
		}
	}
}

func TestFormsOfOtherOriginsAreRefused(t *testing.T) {
	a := startApp(t, t.TempDir(), startMailbox(t))
	a.addCity("nuernberg", "kontis", "")
	b := a.login("moderator@nuernberg.example")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/settings/rules", strings.NewReader("triggers=*&blocked="))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", "https://elsewhere.example")
	resp, err := b.client.Do(req)
	b.read(resp, err, "/settings/rules", http.StatusForbidden)
	c, err := a.server.db.FindCity(t.Context(), "nuernberg")
	if err != nil || c.Triggers != "kontis" {
		t.Errorf("rules = %q, %v", c.Triggers, err)
	}
}

func TestSignUpToFirstReport(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	b := a.browser()
	b.post("/register", url.Values{"email": {"new@moderators.example"}, "city": {"Würzburg"}}, http.StatusOK)
	link := box.waitFor(t, "new@moderators.example", "/confirm/").link(t, "/confirm/")
	path := strings.TrimPrefix(link, a.url)
	b.get(path, http.StatusOK)
	if _, err := a.server.db.FindCity(t.Context(), "wuerzburg"); err == nil {
		t.Error("a GET made the city")
	}
	page := b.post(path, url.Values{"password": {password}}, http.StatusOK)
	if !strings.Contains(page, `href="/city/wuerzburg"`) || !strings.Contains(page, `href="/settings/networks"`) {
		t.Error("not on the settings page of the new city")
	}
	a.subscribe(box, "wuerzburg", "one@riders.example")
	a.mustSend("x@x.example", "wuerzburg@tickets.example", "m1@x", "", "Kontrolleure am Hauptbahnhof")
	box.waitFor(t, "one@riders.example", "Kontrolleure am Hauptbahnhof")
}
