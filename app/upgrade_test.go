package app

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/slow"
)

// The people of the old directory: see its README.
const (
	ofNuernberg = "moderation@nuernberg.example" // of Graz, too
	ofLeeds     = "mods@leeds.example"
	ofGraz      = "moderation@graz.example"
)

// TestOldDirectoryGoesOn opens a data directory of an earlier version and
// checks, as riders and moderators see it, that everything goes on where it
// stopped.
func TestOldDirectoryGoesOn(t *testing.T) {
	slow.Test(t, "asks everything of a data directory of an earlier version")
	restoreWorld(t).goOn()
}

// goOn checks that everything does.
func (w *oldWorld) goOn() {
	w.Helper()
	w.interrupt()
	w.refuseFull()
	w.writeWhileDown()
	queue := contents(w.T, filepath.Join(w.dir, "queue"))
	w.start()

	w.checkInterrupted()
	w.signUpAgain()
	w.checkMissed()
	w.checkPages()
	w.checkSettings()
	w.checkNuernberg()
	w.checkLeeds()
	w.checkGraz()
	w.takeBackOld()
	w.settled()
	w.checkOnce()
	w.checkQueueIsLeft(queue)
}

// refuseFull makes the server of full@riders.example refuse its mails, as it
// had done twice before: that does not count any more.
func (w *oldWorld) refuseFull() {
	w.box.Answer(func(stage, address string) error {
		if stage == "rcpt" && address == "full@riders.example" {
			return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		}
		return nil
	})
}

// writeWhileDown writes to the bots before the program runs. The networks also
// still have messages that the program has heard already and must not hear
// again.
func (w *oldWorld) writeWhileDown() {
	nbg, graz := w.accounts["kontis_nbg"], w.accounts["kontis_graz"]
	w.clock.set(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	nbg.MentionWith(standin.Mention{Author: "rider@elsewhere.example", Text: "Kontis von damals", Visibility: "public", At: time.Now()})
	w.clock.set(time.Time{})
	nbg.Mention("rider@elsewhere.example", "Kontis in der U4 beim Umzug", "public")
	graz.Mention("rider@elsewhere.example", "Kontrolle in der Linie 1", "public")

	bot := w.bots["kontis_nbg_bot"]
	bot.SkipUpdates(w.old.Bots[0].Next - 1)
	w.people["early rider"].Write(bot, "/ping")
	w.people["late rider"].Write(bot, "Kontis am Nordring beim Umzug")
}

// checkMissed checks what was written while no program ran.
func (w *oldWorld) checkMissed() {
	w.Helper()
	w.mailed("eins", "Kontis in der U4 beim Umzug")
	w.mailed("eins", "Kontis am Nordring beim Umzug")
	waitUntil(w, "the boost", func() bool { return len(w.accounts["kontis_nbg"].Boosts()) == 1 })
	w.waitPosted("kontis_nbg", "Kontis am Nordring beim Umzug")
	w.waitTold("kontis_nbg_bot", "Frühschicht", "Kontis am Nordring beim Umzug")
	if n := w.told("kontis_nbg_bot", "late rider", "Nordring"); n != 0 {
		w.Error("a writer on Telegram was sent the own report")
	}
}

// checkPages looks at the public pages.
func (w *oldWorld) checkPages() {
	w.Helper()
	pages := []struct {
		path  string
		shows []string
		hides []string
	}{
		{"/city/nuernberg", []string{"Grüße aus <strong>Nürnberg</strong>! Schreibt uns, was ihr in der Straßenbahn seht.", "Kontis in der S1, Wagen 4", "Kontis am Hauptbahnhof",
			"Kontis am Plärrer, zwei in Zivil", "Kontrolle in der U2 Richtung Flughafen", unsent, interrupted, "@kontis_nbg@", "@kontis_nbg_bot", "nuernberg@tickets.example"},
			[]string{"falscher Alarm", "Friedrichsring", "HAUPTBAHNHOF", "Wetter", "riders.example", unjudged}},
		{"/city/nuernberg/feed.atom", []string{"Kontis am Plärrer, zwei in Zivil"}, []string{"falscher Alarm", "Friedrichsring", "Wetter"}},
		{"/city/leeds", []string{"<h1><bdi>Leeds</bdi></h1>", "Inspectors on the 72 bus", "Ticket check in Headingley"}, []string{"weather", "@leeds_bot"}},
		{"/city/graz", []string{"<h1><bdi>Graz an der Mur</bdi></h1>", "Servus! Hier steht, wo die <em>Schwarzkappler</em> sind.", "Kontrolle an der Haltestelle 5", "Schwarzkappler in der Linie 5", "Kontrolle, haha"},
			[]string{"Haltestelle 6", "verboten", "Jakominiplatz"}},
		{"/city/graz/mail", []string{"Post aus <strong>Graz</strong>: trag dich ein, dann weißt du Bescheid."}, nil},
	}
	b := w.browser()
	for _, p := range pages {
		for _, text := range p.shows {
			waitUntil(w, p.path+" to show "+text, func() bool { return strings.Contains(b.get(p.path, http.StatusOK), text) })
		}
		page := b.get(p.path, http.StatusOK)
		for _, text := range p.hides {
			if strings.Contains(page, text) {
				w.Errorf("%s shows %q", p.path, text)
			}
		}
	}
}

// checkSettings checks what the moderators see before they change anything.
func (w *oldWorld) checkSettings() {
	w.Helper()
	nbg, leeds, graz := w.city(ofNuernberg, "Nürnberg"), w.city(ofLeeds, "Leeds"), w.city(ofGraz, "Graz an der Mur")
	w.city(ofNuernberg, "Graz an der Mur")
	w.city(ofLeeds, "Leeds")
	instance := "@" + w.mastodon.Domain()
	cards := []struct {
		of      *browser
		network string
		says    []string
	}{
		{nbg, "mail", []string{"Working", "5 subscribers"}},
		{nbg, "mastodon", []string{"Working", "@kontis_nbg" + instance}},
		{nbg, "telegram", []string{"Working", "@kontis_nbg_bot", "4 subscribers"}},
		{leeds, "mail", []string{"Working", "2 subscribers"}},
		{leeds, "mastodon", []string{"Not connected"}},
		{leeds, "telegram", []string{"Switched off", "@leeds_bot", "1 subscriber"}},
		{graz, "mail", []string{"Working", "1 subscriber"}},
		{graz, "mastodon", []string{"Needs your attention", "@kontis_graz" + instance, "HTTP 401"}},
		{graz, "telegram", []string{"Needs your attention", "@graz_bot", "1 subscriber"}},
	}
	for _, c := range cards {
		c.of.waitReads("network-"+c.network, c.says...)
	}
	w.checkHeld(nbg, leeds, graz)
	w.checkCounts(nbg, leeds)
	leeds.waitReads("moderators", ofLeeds, "new@leeds.example")
	graz.waitReads("moderators", ofGraz, ofNuernberg)
	graz.waitReads("rules", "schwarzkappler kontrolle", "verboten")
	if list := w.box.to(w.T, ofGraz, ""); len(list) > 0 {
		w.Errorf("the moderator was told again that the bots need attention:\n%s", list[0].Body)
	}
}

// checkHeld checks the held reports and the reasons shown.
func (w *oldWorld) checkHeld(nbg, leeds, graz *browser) {
	w.Helper()
	held := []struct {
		of           *browser
		text, reason string
	}{
		{nbg, "Kontis am HAUPTBAHNHOF", "same"},
		{nbg, "Schönes Wetter in der Südstadt", "trigger"},
		{nbg, "Kontis in der U3, falscher Alarm", "taken back"},
		{nbg, "Kontis am Friedrichsring", "taken back"},
		{leeds, "Lovely weather in Headingley", "trigger"},
		{graz, "Kontrolle an der Haltestelle 6", "one person"},
		{graz, "Kontrolle am Jakominiplatz", "muted"},
		{graz, "Kontrolle verboten", "verboten"},
	}
	for _, h := range held {
		if says := h.of.listed("refused", h.text); !strings.Contains(says, h.reason) {
			w.Errorf("the report %q was held: %q, want a word of %q", h.text, says, h.reason)
		}
	}
}

// checkCounts checks what the moderators are told of where reports went.
func (w *oldWorld) checkCounts(nbg, leeds *browser) {
	w.Helper()
	counts := []struct {
		of               *browser
		list, text, says string
	}{
		{nbg, "passed", "Kontis am Plärrer, zwei in Zivil", "delivered 9 times"},
		{nbg, "passed", unsent, "delivered 2 times"},
		{nbg, "refused", "Kontis in der U3, falscher Alarm", "delivered 8 times · deleted again once"},
		{leeds, "passed", "Inspectors on the 72 bus", "delivered 2 times · failed once"},
	}
	for _, c := range counts {
		if says := c.of.listed(c.list, c.text); !strings.Contains(says, c.says) {
			w.Errorf("of the report %q the page says: %q, want %q", c.text, says, c.says)
		}
	}
}

// takeBackOld takes back what the old program had sent.
func (w *oldWorld) takeBackOld() {
	w.Helper()
	const text = "Kontis am Plärrer, zwei in Zivil"
	nbg := w.city(ofNuernberg, "Nürnberg")
	nbg.submitIn(nbg.listItem("passed", text), "/take-back", nil)
	waitUntil(w, "the old post to be deleted", func() bool {
		return slices.ContainsFunc(w.accounts["kontis_nbg"].Statuses(), func(p standin.Post) bool { return p.Text == text && p.Deleted })
	})
	// What was written to a group before it became a supergroup cannot be deleted,
	// nor can the four mails.
	waitUntil(w, "the page to say so", func() bool {
		return strings.Contains(nbg.listed("refused", text), "delivered 5 times · deleted again 4 times")
	})
}

// checkOnce checks that nothing came twice, and nothing to the wrong person.
func (w *oldWorld) checkOnce() {
	w.Helper()
	came := map[string]int{}
	for _, l := range w.box.all(w.T) {
		text, _, _ := strings.Cut(l.Body, "\r\n")
		came[l.To+": "+text]++
	}
	for mail, n := range came {
		if strings.Contains(mail, "@riders.example: ") && n != 1 {
			w.Errorf("a mail came %d times: %s", n, mail)
		}
	}
	not := map[string][]string{
		"eins@riders.example":  {unsent, unjudged},
		"zwei@riders.example":  {unsent, unjudged},
		"drei@riders.example":  {unsent, unjudged, "Frankenstadion"},
		"geht@riders.example":  {unsent, unjudged, "Frankenstadion"},
		"weg@riders.example":   {unsent, unjudged},
		"full@riders.example":  {""},
		"erste@riders.example": {"Hauptplatz", "Haltestelle", "Eggenberg"},
	}
	for address, texts := range not {
		for _, text := range append(texts, "Kontis von damals", "Kontis am Plärrer", "72 bus", "Linie 5") {
			if len(w.box.to(w.T, address, text)) > 0 {
				w.Errorf("%s was mailed %q", address, text)
			}
		}
	}
	w.checkPostedOnce()
}

// checkPostedOnce does the same for posts, boosts and Telegram's chats.
func (w *oldWorld) checkPostedOnce() {
	w.Helper()
	for name, a := range w.accounts {
		for text, n := range texts(a.Statuses()) {
			if n != 1 {
				w.Errorf("%s has posted %d times: %s", name, n, text)
			}
		}
	}
	if texts(w.accounts["kontis_nbg"].Statuses())[unjudged] != 0 {
		w.Error("a report of the old queue was posted")
	}
	if n := len(w.accounts["kontis_nbg"].Boosts()); n != 1 {
		w.Errorf("kontis_nbg has boosted %d times, want once", n)
	}
	for _, chat := range []string{"early rider", "late rider", "Pendelnde", "Frühschicht"} {
		for text, want := range map[string]int{unsent: 0, unjudged: 0, interrupted: 1, "Kontis in der U4": 1, "Frankenstadion": 1} {
			if n := w.told("kontis_nbg_bot", chat, text); n != want {
				w.Errorf("%s was told %d times, want %d: %s", chat, n, want, text)
			}
		}
	}
	if w.told("kontis_nbg_bot", "early rider", "Ich bin da") > 0 || w.told("graz_bot", "rider in Graz", "Gösting") > 0 {
		w.Error("a command was answered again, or a writer was sent the own report")
	}
}

// TestOldDirectoryAtTheCommandLine opens the same directory with the commands.
func TestOldDirectoryAtTheCommandLine(t *testing.T) {
	dir, _ := unpackOld(t)
	t.Setenv("TICKETFREI_DATA", dir)
	run := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := runCommand(t.Context(), t, &stdout, &stderr, args...); code != exitOK {
			t.Fatalf("%s: exit code %d\n%s", args, code, stderr.String())
		}
		return stdout.String()
	}
	cities := func() {
		t.Helper()
		list := run("city", "list")
		for _, city := range []string{"Nürnberg", "Leeds", "Graz an der Mur"} {
			if !strings.Contains(list, city) {
				t.Errorf("%s is not in the list:\n%s", city, list)
			}
		}
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	run("check-config")
	run("backup", copied) // as before an update: the tables are still the old ones
	cities()

	// The copy takes the place of a lost database.
	if err := os.Rename(copied, filepath.Join(dir, "ticketfrei.db")); err != nil {
		t.Fatal(err)
	}
	cities()
}
