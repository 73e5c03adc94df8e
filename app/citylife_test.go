package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"ticketfrei/bots/all"
	"ticketfrei/internal/slow"
)

// cityCommand runs "city" with arguments beside a server, with its settings.
func (a *app) cityCommand(code int, args ...string) (stdout string) {
	a.Helper()
	cfg := a.server.cfg
	for name, value := range map[string]string{"DATA": cfg.Data, "MAIL_DOMAIN": cfg.Mail.Domain, "MAIL_RELAY": cfg.Mail.Relay, "WEB_URL": cfg.Web.URL, "WEB_LISTEN": cfg.Web.Listen, "NETWORK_ALLOW_PRIVATE": "true"} {
		a.Setenv("TICKETFREI_"+name, value)
	}
	var out, errs bytes.Buffer
	if got := runCommand(a.Context(), a.T, &out, &errs, append([]string{"city"}, args...)...); got != code {
		a.Fatalf("city %v: exit code %d, want %d\n%s%s", args, got, code, out.String(), errs.String())
	}
	return out.String() + errs.String()
}

// status is that of a page, redirects not followed.
func (a *app) status(path string) (status int, location string) {
	a.Helper()
	client := &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(a.url + path)
	if err != nil {
		a.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location")
}

// becomes waits until a page has a status: a server finds what a command has changed.
func (a *app) becomes(path string, status int) {
	a.Helper()
	waitUntil(a, path+" to be another", func() bool {
		got, _ := a.status(path)
		return got == status
	})
}

// TestSuspendedCity suspends a city beside the server and lets it go on.
func TestSuspendedCity(t *testing.T) {
	slow.Test(t, "waits for a server that sees what commands did")
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("gotham", "*", "")
	a.subscribe(box, "gotham", "rider@x.example")
	a.mustSend("one@x.example", "gotham@tickets.example", "first@x.example", "", "Kontis am Plärrer")
	unsubscribe := strings.TrimPrefix(box.waitFor(t, "rider@x.example", "Plärrer").link(t, "/mail/unsubscribe/"), a.url)

	a.cityCommand(2, "suspend", "gotham")
	a.cityCommand(1, "suspend", "nowhere", "--reason", "x")
	a.cityCommand(0, "suspend", "gotham", "--reason", "Only advertising.")
	a.becomes("/city/gotham", http.StatusGone)
	for _, path := range []string{"/feed.atom", "/live", "/lines", "/mail/", "/contact", "/poster", "/web/", "/manifest.webmanifest"} {
		if got, _ := a.status("/city/gotham" + path); got != http.StatusGone {
			t.Errorf("%s: %d", path, got)
		}
	}
	if page := a.browser().get("/city/gotham", http.StatusGone); !strings.Contains(page, "This city is switched off at the moment.") {
		t.Errorf("the page says\n%s", page)
	}
	if problem := a.browser().get("/api/v1/cities/gotham/reports", http.StatusGone); !strings.Contains(problem, "the city is suspended") {
		t.Errorf("the API says %s", problem)
	}
	if home := a.browser().get("/", http.StatusOK); strings.Contains(home, "/city/gotham") {
		t.Error("it is in the list of cities")
	}
	waitUntil(t, "mail to be refused because of that", func() bool {
		err := a.send("two@x.example", "gotham@tickets.example", "second@x.example", "", "Kontis am Hauptbahnhof")
		if err == nil || !strings.Contains(err.Error(), "550") {
			t.Fatalf("a mail to it: %v", err)
		}
		return strings.Contains(err.Error(), "This city is switched off at the moment.")
	})
	a.browser().get(unsubscribe, http.StatusOK) // whoever wants to go can
	box.waitFor(t, "moderator@gotham.example", "Only advertising.")
	if page := a.login("moderator@gotham.example").get("/settings", http.StatusOK); !strings.Contains(page, "Only advertising.") {
		t.Error("its moderators do not see why")
	}

	a.cityCommand(0, "resume", "gotham")
	a.becomes("/city/gotham", http.StatusOK)
	waitUntil(t, "mail to be taken", func() bool {
		return a.send("two@x.example", "gotham@tickets.example", "third@x.example", "", "Kontis am Hauptbahnhof") == nil
	})
	box.waitFor(t, "rider@x.example", "Hauptbahnhof")
	box.waitFor(t, "moderator@gotham.example", "is not suspended any more")
}

// TestRenamedCity renames a city and back: what led to it goes on leading there.
func TestRenamedCity(t *testing.T) {
	slow.Test(t, "waits for a server that sees what commands did")
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("gotham", "*", "")
	a.addCity("metropolis", "*", "")
	a.subscribe(box, "gotham", "rider@x.example", "other@x.example")
	a.mustSend("one@x.example", "gotham@tickets.example", "first@x.example", "", "Kontis am Plärrer")
	unsubscribe := strings.TrimPrefix(box.waitFor(t, "rider@x.example", "Plärrer").link(t, "/mail/unsubscribe/"), a.url)

	for slug, says := range map[string]string{"metropolis": "leads to a city already", "Gotham City": "such as gotham-city", "postmaster": "reserved"} {
		for _, act := range []string{"rename", "alias"} {
			if said := a.cityCommand(1, act, "gotham", slug); !strings.Contains(said, says) {
				t.Errorf("%s to %s: %s", act, slug, said)
			}
		}
	}
	if said := a.cityCommand(0, "rename", "gotham", "gotham"); !strings.Contains(said, "already") {
		t.Errorf("renamed to its name: %s", said)
	}
	found := make(chan struct{})
	tell := sync.OnceFunc(func() { close(found) })
	t.Cleanup(a.server.notices.OnChanged(func(int64) { tell() }))
	a.cityCommand(0, "rename", "gotham", "new-town")
	<-found
	a.becomes("/city/new-town", http.StatusOK)
	for path, want := range map[string]string{
		"/city/gotham": "/city/new-town", "/city/gotham?lang=de": "/city/new-town?lang=de", "/city/gotham/feed.atom": "/city/new-town/feed.atom",
		"/city/gotham/mail/": "/city/new-town/mail/", unsubscribe: strings.Replace(unsubscribe, "gotham", "new-town", 1),
	} {
		if status, location := a.status(path); status != http.StatusPermanentRedirect || location != want {
			t.Errorf("%s: %d to %s", path, status, location)
		}
	}
	if c := a.browser().get("/api/v1/cities/gotham", http.StatusOK); !strings.Contains(c, `"slug":"new-town"`) {
		t.Errorf("the API at the old name: %s", c)
	}
	stops := []string{"Hauptbahnhof", "Opernhaus", "Lorenzkirche", "Maffeiplatz", "Hasenbuck", "Frankenstrasse"}
	waitUntil(t, "mails under the new name", func() bool { // the bot is made again a moment later
		stop := stops[0]
		stops = stops[1:]
		a.mustSend(stop+"@x.example", "gotham@tickets.example", stop+"@x.example", "", "Kontis am "+stop)
		l := box.waitFor(t, "rider@x.example", stop)
		return strings.Contains(l.Header.Get("From"), "new-town@tickets.example") && strings.Contains(l.Body, a.url+"/city/new-town/")
	})
	// A mail program ends the subscription at the old address, and follows nobody.
	resp, err := http.PostForm(a.url+unsubscribe, url.Values{"List-Unsubscribe": {"One-Click"}})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("unsubscribing at the old address: %v %v", resp, err)
	}
	resp.Body.Close()

	a.cityCommand(0, "rename", "new-town", "gotham")
	a.becomes("/city/gotham", http.StatusOK)
	if status, location := a.status("/city/new-town"); status != http.StatusPermanentRedirect || location != "/city/gotham" {
		t.Errorf("renamed back: %d to %s", status, location)
	}
	if list := a.cityCommand(0, "alias", "gotham", "g0"); list != "g0\nnew-town\n" {
		t.Errorf("aliases: %s", list)
	}
}

// TestDeletedCity deletes a city on its page, brings it back, and deletes it for good.
func TestDeletedCity(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	c := a.addCity("gotham", "*", "")
	a.subscribe(box, "gotham", "rider@x.example")
	owner := a.login("moderator@gotham.example")
	page := owner.post("/settings/account/delete", url.Values{"slug": {"gotham"}, "password": {password}}, http.StatusOK)
	if !strings.Contains(page, `id="restore"`) {
		t.Errorf("the page does not say how to bring it back\n%s", page)
	}
	a.becomes("/city/gotham", http.StatusGone)
	if err := a.send("two@x.example", "gotham@tickets.example", "second@x.example", "", "Kontis"); err == nil || !strings.Contains(err.Error(), "not here any more") {
		t.Errorf("a mail to it: %v", err)
	}
	box.waitFor(t, "moderator@gotham.example", "Until ")
	var listed []listedCity
	if err := json.Unmarshal([]byte(a.cityCommand(0, "list", "--json", "--state", "deleted")), &listed); err != nil || len(listed) != 1 || listed[0].Slug != "gotham" || listed[0].GoneAfter == nil || listed[0].Subscribers != 1 {
		t.Errorf("listed are %+v, %v", listed, err)
	}
	if said := a.cityCommand(1, "resume", "gotham"); !strings.Contains(said, "city restore gotham") {
		t.Errorf("resuming it says %s", said)
	}
	owner.post("/settings/account/restore", nil, http.StatusOK)
	a.becomes("/city/gotham", http.StatusOK)
	a.mustSend("two@x.example", "gotham@tickets.example", "third@x.example", "", "Kontis am Hauptbahnhof")
	box.waitFor(t, "rider@x.example", "Hauptbahnhof")

	if said := a.cityCommand(1, "delete", "gotham", "--now"); !strings.Contains(said, "--yes") {
		t.Errorf("without a terminal: %s", said)
	}
	a.cityCommand(0, "delete", "gotham", "--now", "--yes")
	a.becomes("/city/gotham", http.StatusNotFound)
	box.waitFor(t, "moderator@gotham.example", "for good, with everything in it")
	if _, err := a.server.db.City(t.Context(), c.ID); err == nil {
		t.Error("it is there")
	}
}

// TestApproval has somebody sign up where the operator lets cities begin.
func TestApproval(t *testing.T) {
	slow.Test(t, "waits for a server that sees what commands did")
	box := startMailbox(t)
	definitions := all.Networks()
	cfg := appConfig(t, t.TempDir(), box, definitions, "TICKETFREI_WEB_SIGNUP=approval", "TICKETFREI_WEB_OPERATOR=operator@tickets.example")
	a := runApp(t, cfg, definitions)
	b := a.browser()
	says := func(page, want string) {
		t.Helper()
		if !strings.Contains(page, want) {
			t.Errorf("it does not say %q:\n%s", want, page)
		}
	}
	says(b.get("/register", http.StatusOK), "the operator of this server looks at it")
	b.post("/register", url.Values{"email": {"anna@x.example"}, "city": {"Gotham"}, "language": {"en"}}, http.StatusOK)
	link := strings.TrimPrefix(box.waitFor(t, "anna@x.example", "/confirm/").link(t, "/confirm/"), a.url)
	says(b.get(link, http.StatusOK), "It begins when the operator of this server lets it.")
	page := b.post(link, url.Values{"password": {password}}, http.StatusOK)
	says(page, "Prepare everything here")
	says(b.reads(page, "off"), "Gotham is not open yet It begins as soon as")
	for _, untrue := range []string{"is ready", "All is well", `id="step-test"`, `action="/settings/steps/test`} {
		if strings.Contains(page, untrue) {
			t.Errorf("the owner of a city that waits reads %q", untrue)
		}
	}
	if told := box.waitFor(t, "operator@tickets.example", "ticketfrei city resume gotham"); strings.Contains(told.Body, "anna@") || !strings.Contains(told.Body, "a…@x.example") {
		t.Errorf("the operator is told\n%s", told.Body)
	}
	if page := a.browser().get("/city/gotham", http.StatusNotFound); !strings.Contains(page, "not open yet") {
		t.Errorf("the page says\n%s", page)
	}
	if err := a.send("one@x.example", "gotham@tickets.example", "first@x.example", "", "Kontis"); err == nil || !strings.Contains(err.Error(), "not open yet") {
		t.Errorf("a mail to it: %v", err)
	}
	if list := a.cityCommand(0, "list", "--state", "waiting"); !strings.Contains(list, "gotham") {
		t.Errorf("what waits is\n%s", list)
	}
	a.cityCommand(0, "resume", "gotham")
	a.becomes("/city/gotham", http.StatusOK)
	box.waitFor(t, "anna@x.example", "lets Gotham begin")
}
