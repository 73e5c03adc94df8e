package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ticketfrei/internal/slow"
)

// TestOneMailAnHour has somebody choose one mail an hour by the link in a report. The
// first comes at once, the next waits for an hour, also over a restart.
func TestOneMailAnHour(t *testing.T) {
	box := startMailbox(t)
	dir := t.TempDir()
	a := startApp(t, dir, box)
	a.addCity("nuernberg", "kontis?", "")
	const rider, friend = "rider@riders.example", "friend@riders.example"
	a.subscribe(box, "nuernberg", rider, friend)
	a.mustSend(friend, here, "m1@riders.example", "", "Kontis Plärrer")
	link := box.waitFor(t, rider, "Kontis Plärrer").link(t, "/mail/often/")
	page := a.browser().post(strings.TrimPrefix(link, a.url), url.Values{"often": {"hourly"}}, http.StatusOK)
	if !strings.Contains(page, "gets one e-mail an hour from") {
		t.Fatal(page)
	}
	a.mustSend("one@riders.example", here, "m2@riders.example", "", "Kontis Lorenzkirche")
	first := box.waitFor(t, rider, "Kontis Lorenzkirche")
	if !strings.Contains(first.Body, "Each report at once instead: ") {
		t.Errorf("no way back in the mail: %s", first.Body)
	}
	a.mustSend("one@riders.example", here, "m3@riders.example", "", "Kontis Opernhaus")
	box.waitFor(t, friend, "Kontis Opernhaus")
	a.settled()
	a.stop()
	a = startApp(t, dir, box)
	a.mustSend("one@riders.example", here, "m4@riders.example", "", "Kontis Hauptbahnhof")
	box.waitFor(t, friend, "Kontis Hauptbahnhof")
	a.settled()
	page = a.login("moderator@nuernberg.example").get("/settings/reports", http.StatusOK)
	if strings.Count(page, "delivered once, 1 waits for the hourly mail") != 2 || strings.Count(page, "delivered 2 times") != 1 {
		t.Errorf("what waits is not told from what was delivered: %s", page)
	}
	for _, part := range []string{"Kontis Opernhaus", "Kontis Hauptbahnhof"} {
		if n := len(box.to(t, rider, part)); n != 0 {
			t.Errorf("%q came before the hour was over", part)
		}
	}
}

// TestOneMailAnHourGoesOnElsewhere stops the program that works for a city while a report waits
// for the mail of the hour: the other one sends it when it is due.
func TestOneMailAnHourGoesOnElsewhere(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and two programs")
	p := startPair(t)
	const rider = "rider@riders.example"
	a := p.owner()
	a.subscribe(p.box, "nuernberg", rider)
	a.mustSend("one@riders.example", here, "m1@riders.example", "", "Report 1.")
	link := p.box.waitFor(t, rider, "Report 1.").link(t, "/mail/often/")
	a.browser().post(strings.TrimPrefix(link, a.url), url.Values{"often": {"hourly"}}, http.StatusOK)
	a.mustSend("one@riders.example", here, "m2@riders.example", "", "Report 2.")
	p.box.waitFor(t, rider, "Report 2.") // the first comes at once
	a.mustSend("one@riders.example", here, "m3@riders.example", "", "Report 3.")
	waitUntil(t, "the report to wait", func() bool {
		return p.database.Query("SELECT count(*) FROM mail_digests AS d JOIN mail_digest_reports AS r ON r.bot_id = d.bot_id AND r.id > d.last") == "1"
	})
	p.database.Query("UPDATE mail_digests SET due = 0") // of which the program does not know
	p.stop(a)
	p.box.waitFor(t, rider, "Report 3.")
}
