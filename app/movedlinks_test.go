package app

import (
	"database/sql"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/bots/all"
	"ticketfrei/internal/slow"
)

// someTicketfrei2 is a database of Ticketfrei 2 with two cities, and the keys of its links, of
// which the second counts.
const someTicketfrei2 = `
	CREATE TABLE user (id INTEGER PRIMARY KEY, passhash TEXT, enabled INTEGER DEFAULT 1);
	CREATE TABLE email (id INTEGER PRIMARY KEY, user_id INTEGER, email TEXT);
	CREATE TABLE cities (id INTEGER PRIMARY KEY, user_id INTEGER, city TEXT, markdown TEXT, mail_md TEXT, masto_link TEXT, twit_link TEXT);
	CREATE TABLE triggerpatterns (id INTEGER PRIMARY KEY, user_id INTEGER, patterns TEXT);
	CREATE TABLE badwords (id INTEGER PRIMARY KEY, user_id INTEGER, words TEXT);
	CREATE TABLE mailinglist (id INTEGER PRIMARY KEY, user_id INTEGER, email TEXT);
	CREATE TABLE secret (id INTEGER PRIMARY KEY, secret BLOB);
	INSERT INTO user VALUES (1, '$s1$040801$QUJDREVGR0hJSktMTU5PUA==$cdr3Ph4fNB/KBpFvzwc/06rJIU6UydayzvHkFU+t4qsP5eDouLL/8lYrxHj7MnSp6NCg1AIUwMLDfTKTzt3I6g==', 1),
		(2, '$s1$0e0801$YWJjZGVmZ2hpamtsbW5vcA==$wV/eIt+LYSZoqXjjHkS/YIJtjFMpl72fHMglNvVhionGNkodjBLow1xAi2iWsl0RDqd9q20f5p5nI0hIVyFF0A==', 1);
	INSERT INTO email VALUES (1, 1, 'Mod@Example.ORG'), (2, 2, 'leipzig@example.org');
	INSERT INTO cities VALUES (1, 1, 'Nürnberg', 'page', 'mail', '', ''), (2, 2, 'Leipzig-Süd', 'page', 'mail', '', '');
	INSERT INTO triggerpatterns VALUES (1, 1, 'kontis'), (2, 2, 'kontis');
	INSERT INTO badwords VALUES (1, 1, ''), (2, 2, '');
	INSERT INTO mailinglist VALUES (1, 1, 'Rider@Example.org'), (2, 1, 'zweite@example.org'), (3, 2, 'rider@example.org');
	INSERT INTO secret VALUES (1, X'ff'), (2, X'0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20');`

// Tokens in the links of that database, and those that must not be taken.
const (
	riderInNuernberg  = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6IlJpZGVyQEV4YW1wbGUub3JnIiwiY2l0eSI6Ik5cdTAwZmNybmJlcmcifQ.OhWIiBNIDkz3YEc8lPF3J4WUOrDquSjxiMP5IoyONps"
	zweiteInNuernberg = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6Inp3ZWl0ZUBleGFtcGxlLm9yZyIsImNpdHkiOiJOXHUwMGZjcm5iZXJnIn0.Rl3a8eAzZNIgyko7WFEpFtgIksoDSFFjjmhqmUuT8xM"
	riderInLeipzig    = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6InJpZGVyQGV4YW1wbGUub3JnIiwiY2l0eSI6IkxlaXB6aWctU1x1MDBmY2QifQ.h-KCS27G6Hkct6HNRWXCvFIbFs2KdP8M3Y2Q8BE11vc"
	byTheKeyBefore    = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6InJpZGVyQGV4YW1wbGUub3JnIiwiY2l0eSI6Ik5cdTAwZmNybmJlcmcifQ.f37lCEeJ62afZ9nNk4Worws5zpLU1kSyBvGDykN3Yuw"
	unsigned          = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJlbWFpbCI6ICJyaWRlckBleGFtcGxlLm9yZyIsICJjaXR5IjogIk5cdTAwZmNybmJlcmcifQ."
	registration      = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImV2aWxAZXhhbXBsZS5vcmciLCJwYXNzaGFzaCI6IiRzMSQwZTA4MDEkTURFeU16UTFOamM0T1dGaVkyUmxaZz09JDF0TCtianVMZTN2Q0NwbGJXTVliSzBlVzJFU1JMSTlPd2ozbVBTbDlUb09uWjMwbjQySkNVUWFzakFiRXdKOEJaOGlFNVVMTUgwRDZXbkxBRWlPWllBPT0ifQ.DqldcopNOm7C-PLLuxZ9CqjBbvwfUwLcJo6sfEvQ9Zs"
)

// someKibicara is a database of Kibicara with two hoods.
const someKibicara = `
	CREATE TABLE admins (id INTEGER NOT NULL PRIMARY KEY, email TEXT NOT NULL UNIQUE, passhash TEXT NOT NULL);
	CREATE TABLE hoods (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, landingpage TEXT NOT NULL, email_enabled BOOLEAN NOT NULL);
	CREATE TABLE admin_hood_relations (id INTEGER NOT NULL PRIMARY KEY, admin INTEGER NOT NULL, hood INTEGER NOT NULL);
	CREATE TABLE triggers (id INTEGER NOT NULL PRIMARY KEY, hood INTEGER NOT NULL, pattern TEXT NOT NULL);
	CREATE TABLE badwords (id INTEGER NOT NULL PRIMARY KEY, hood INTEGER NOT NULL, pattern TEXT NOT NULL);
	CREATE TABLE email (id INTEGER NOT NULL PRIMARY KEY, hood INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, secret TEXT NOT NULL);
	CREATE TABLE email_subscribers (id INTEGER NOT NULL PRIMARY KEY, hood INTEGER NOT NULL, email TEXT NOT NULL UNIQUE);
	CREATE TABLE telegrambots (id INTEGER NOT NULL PRIMARY KEY, hood INTEGER NOT NULL, api_token TEXT NOT NULL UNIQUE, welcome_message TEXT NOT NULL, username TEXT, enabled BOOLEAN NOT NULL);
	CREATE TABLE telegramusers (id INTEGER NOT NULL PRIMARY KEY, user_id INTEGER NOT NULL UNIQUE, bot INTEGER NOT NULL);
	INSERT INTO admins VALUES (1, 'admin@example.org', '$argon2i$v=19$m=512,t=2,p=2$FCkggGH9zw0eMT1I1W5omg$2Ie2VIRcXCxBkmXYYSknSQ');
	INSERT INTO hoods VALUES (1, 'Südstadt', 'Hello', 1), (3, 'Hecht', 'Hello', 1);
	INSERT INTO admin_hood_relations VALUES (1, 1, 1), (2, 1, 3);
	INSERT INTO triggers VALUES (1, 1, '.'), (2, 3, '.');
	INSERT INTO email VALUES (1, 1, 'kibicara-suedstadt', 'ab'), (3, 3, 'kibicara-neustadt.hecht', 'ef');
	INSERT INTO email_subscribers VALUES (1, 1, 'abo@example.org'), (2, 1, 'bleibt@example.org'), (3, 3, 'dritte@example.org');`

// Links of that database, below its address.
const (
	aboInSuedstadt  = "/hoods/1/email-unsubscribe?token=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH1LlAwoDqHzQzBnSmEbB9C0AQYl7Wlt8QSE6TluSmMSK-PCicg84kONoJkP5mYgjZW7Cc-0GqNirXtlS1jJIL7DzZ4A=="
	neuInHecht      = "/hoods/3/email-confirm?token=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHk-TCdN8_3zGeakid3tiS0UAQYl7Wlt8QSE6TluSmMSOzPiaRexGru74Okt9qdv04JLKcoG69Kd82wlC_zZntwKnZ4A=="
	anotherKibicara = "/hoods/1/email-unsubscribe?token=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHW7dUzAd3YyOXLKSAbIZt-EAQYm7Wlt8QSE6TtuSmMSC1Pj2dhjTPo8b_c797jiK1WLnX"
)

// oldDatabase makes a database of another program.
func oldDatabase(t *testing.T, statements string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "old.sqlite")
	d, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	return path
}

// leaves opens a link in an old mail and presses the button there.
func (a *app) leaves(link string) {
	a.Helper()
	client := &http.Client{Timeout: patience}
	resp, err := client.Get(a.url + link)
	if err != nil {
		a.Fatal(err)
	}
	page := a.browser().read(resp, nil, link, http.StatusOK)
	if !strings.Contains(page, `<form method="post" action="" id="unsubscribe">`) {
		a.Fatalf("%s has no button:\n%s", link, page)
	}
	a.browser().post(resp.Request.URL.Path, nil, http.StatusOK)
	if page := a.browser().get(link, http.StatusOK); strings.Contains(page, `id="unsubscribe"`) {
		a.Errorf("%s ends a subscription again", link)
	}
}

// logsIn logs in with the password that somebody had before, and tells whether that was right.
func (a *app) logsIn(email, password string) bool {
	a.Helper()
	b := a.browser()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := b.client.PostForm(a.url+"/login", url.Values{"email": {email}, "password": {password}})
	if err != nil {
		a.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther && resp.StatusCode != http.StatusUnauthorized {
		a.Errorf("%s: status %d", email, resp.StatusCode)
	}
	return resp.StatusCode == http.StatusSeeOther
}

// TestAfterTicketfrei2 goes on where Ticketfrei 2 has ended: with the passwords, the addresses and
// the links in the mails that it has sent.
func TestAfterTicketfrei2(t *testing.T) {
	slow.Test(t, "moves cities in and mails to each")
	box, definitions := startMailbox(t), all.Networks()
	cfg := appConfig(t, t.TempDir(), box, definitions)
	cfg.Mail.Domains = []string{"tf.example.org"}
	a := runApp(t, cfg, definitions)
	a.beside(0, "import", "ticketfrei2", oldDatabase(t, someTicketfrei2))
	a.becomes("/city/nuernberg", http.StatusOK)

	if a.logsIn("mod@example.org", "kurz") || a.logsIn("leipzig@example.org", "zweite stadt") || !a.logsIn("mod@example.org", "zweite stadt") || !a.logsIn("leipzig@example.org", "kurz") {
		t.Error("the passwords of before are not what opens the doors")
	}
	for path, want := range map[string]string{"/city/mail/N%C3%BCrnberg": "/city/nuernberg/mail", "/city/Leipzig-S%C3%BCd/feed.atom": "/city/leipzig-sued/feed.atom"} {
		if status, to := a.status(path); status != http.StatusMovedPermanently || to != want {
			t.Errorf("%s: %d to %s", path, status, to)
		}
	}

	// Nobody is unsubscribed by a link that is only opened, or that is none.
	for _, token := range []string{byTheKeyBefore, unsigned, registration, riderInNuernberg[:len(riderInNuernberg)-1], "x"} {
		page := a.browser().get("/city/mail/unsubscribe/"+token, http.StatusNotFound)
		if !strings.Contains(page, "unsubscribe") || strings.Contains(page, "rider@") {
			t.Errorf("%s: %s", token, page)
		}
		a.browser().get("/city/mail/confirm/"+token, http.StatusGone)
		a.browser().get("/confirm/N%C3%BCrnberg/"+token, http.StatusGone)
	}
	a.browser().get("/city/mail/confirm/"+riderInNuernberg, http.StatusGone)
	a.browser().get("/city/mail/unsubscribe/"+riderInNuernberg, http.StatusOK)

	a.mustSend("anna@x.example", "nürnberg@tf.example.org", "one@x.example", "", "Kontis am Plärrer")
	box.waitFor(t, "rider@example.org", "Plärrer")
	box.waitFor(t, "zweite@example.org", "Plärrer")
	a.leaves("/city/mail/unsubscribe/" + riderInNuernberg)
	a.mustSend("anna@x.example", "Nürnberg@tickets.example", "two@x.example", "", "Kontis am Hauptbahnhof")
	box.waitFor(t, "zweite@example.org", "Hauptbahnhof")
	a.settled()
	a.mustSend("anna@x.example", "leipzig-süd@tf.example.org", "three@x.example", "", "Kontis am Connewitzer Kreuz")
	box.waitFor(t, "rider@example.org", "Connewitzer")
	if got := len(box.to(t, "rider@example.org", "Hauptbahnhof")); got != 0 {
		t.Errorf("who has unsubscribed got %d mails", got)
	}

	// A city that is off lets everybody go, and one that is renamed is found.
	a.beside(0, "city", "suspend", "leipzig-sued", "--reason", "x")
	a.becomes("/city/leipzig-sued", http.StatusGone)
	a.leaves("/city/mail/unsubscribe/" + riderInLeipzig)
	a.beside(0, "city", "rename", "nuernberg", "noris")
	a.becomes("/city/noris", http.StatusOK)
	if status, to := a.status("/city/mail/N%C3%BCrnberg"); status != http.StatusMovedPermanently || to != "/city/noris/mail" {
		t.Errorf("renamed: %d to %s", status, to)
	}
	a.beside(0, "city", "delete", "noris", "--now", "--yes")
	a.becomes("/city/noris", http.StatusNotFound)
	a.browser().get("/city/mail/unsubscribe/"+zweiteInNuernberg, http.StatusNotFound)
	a.browser().get("/city/mail/N%C3%BCrnberg", http.StatusNotFound)
}

// TestAfterKibicara does the same for Kibicara.
func TestAfterKibicara(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	settings := filepath.Join(t.TempDir(), "kibicara.conf")
	if err := os.WriteFile(settings, []byte("secret = '"+strings.Repeat("0f", 32)+"'\nfrontend_url = 'https://kibicara.example.org'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.beside(0, "import", "kibicara", oldDatabase(t, someKibicara), "--config", settings)
	a.becomes("/city/suedstadt", http.StatusOK)

	if a.logsIn("admin@example.org", "argon2i von heute") || !a.logsIn("admin@example.org", "argon2i von früher") || !a.logsIn("Admin@Example.org", "argon2i von früher") {
		t.Error("the password of before is not what opens the door")
	}
	if status, to := a.status("/hoods/1"); status != http.StatusMovedPermanently || to != "/city/suedstadt" {
		t.Errorf("the hood: %d to %s", status, to)
	}
	a.browser().get(neuInHecht, http.StatusGone)
	for _, link := range []string{anotherKibicara, strings.Replace(aboInSuedstadt, "/hoods/1/", "/hoods/3/", 1), strings.Replace(aboInSuedstadt, "ZfW7", "ZfW8", 1)[:len(aboInSuedstadt)-8]} {
		if page := a.browser().get(link, http.StatusNotFound); strings.Contains(page, "abo@") {
			t.Errorf("%s: %s", link, page)
		}
	}
	a.mustSend("anna@x.example", "kibicara-suedstadt@tickets.example", "one@x.example", "", "Nazis am Plärrer")
	box.waitFor(t, "abo@example.org", "Plärrer")
	a.leaves(aboInSuedstadt)
	a.mustSend("anna@x.example", "Kibicara-Suedstadt@tickets.example", "two@x.example", "", "Nazis am Hauptbahnhof")
	box.waitFor(t, "bleibt@example.org", "Hauptbahnhof")
	a.settled()
	if got := len(box.to(t, "abo@example.org", "Hauptbahnhof")); got != 0 {
		t.Errorf("who has unsubscribed got %d mails", got)
	}
	a.mustSend("anna@x.example", "kibicara-neustadt.hecht@tickets.example", "three@x.example", "", "Nazis am Albertplatz")
	box.waitFor(t, "dritte@example.org", "Albertplatz")

	// One that asks to confirm says the same as one that ends: it ends, and nothing else.
	page := a.browser().get(strings.Replace(neuInHecht, "confirm", "unsubscribe", 1), http.StatusOK)
	if strings.Contains(page, `id="unsubscribe"`) {
		t.Error("somebody who never subscribed is asked whether to end it")
	}
}

// TestWhatWasBeforeMoves takes a city to another server that had come from another program.
func TestWhatWasBeforeMoves(t *testing.T) {
	slow.Test(t, "runs two servers")
	box, definitions := startMailbox(t), all.Networks()
	from := runApp(t, appConfig(t, t.TempDir(), box, definitions), definitions)
	from.beside(0, "import", "ticketfrei2", oldDatabase(t, someTicketfrei2))
	from.becomes("/city/leipzig-sued", http.StatusOK)
	file := filepath.Join(t.TempDir(), "leipzig")
	from.cityCommand(0, "export", "leipzig-sued", file)
	to := runApp(t, appConfig(t, t.TempDir(), box, definitions), definitions)
	to.cityCommand(0, "import", file)
	to.becomes("/city/leipzig-sued", http.StatusOK)
	if to.logsIn("leipzig@example.org", "lang") || !to.logsIn("leipzig@example.org", "kurz") {
		t.Error("the password of before does not log in")
	}
	to.mustSend("anna@x.example", "leipzig-süd@tickets.example", "one@x.example", "", "Kontis am Connewitzer Kreuz")
	box.waitFor(t, "rider@example.org", "Connewitzer")
}
