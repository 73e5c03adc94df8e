package app

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	"ticketfrei/bots/mastodon/standin"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
)

// everyNetwork are a city's networks with who reads there.
type everyNetwork struct {
	*app
	box       *mailbox
	remote    *standin.Server
	account   *standin.Account
	bot       *telegram.Bot
	anna      *telegram.User
	moderator *browser
	start     func() *app
}

// startEverywhere starts a city on Mastodon, Telegram and mail, with somebody who reads
// each.
func startEverywhere(t *testing.T) *everyNetwork {
	t.Helper()
	api := startTelegram(t, telegram.Options{})
	e := &everyNetwork{box: startMailbox(t), remote: startMastodon(t)}
	definitions := all.Networks()
	cfg := appConfig(t, t.TempDir(), e.box, definitions, "TICKETFREI_TELEGRAM_API="+api.URL)
	e.start = func() *app { return runApp(t, cfg, definitions) }
	e.app = e.start()
	e.addCity("nuernberg", "kontis?", "casino")
	e.account = e.remote.AddAccount("kontis_nbg")
	e.connect("nuernberg", e.account, e.remote.URL)
	e.bot = api.AddBot("kontis_nbg_bot", "Kontis")
	e.moderator = e.login("moderator@nuernberg.example")
	e.moderator.confirm("/settings/telegram", url.Values{"token": {e.bot.Token()}}, hiddenAccount, "account")
	e.subscribe(e.box, "nuernberg", "one@riders.example")
	e.anna = api.AddUser("anna", "en")
	e.anna.Write(e.bot, "/start")
	waitUntil(t, "a reader to be welcomed", func() bool { return e.inChat("/stop") })
	return e
}

func (e *everyNetwork) inChat(text string) bool {
	return slices.ContainsFunc(e.bot.Chat(e.anna), func(m telegram.Message) bool {
		return m.FromBot && !m.Deleted && strings.Contains(m.Text, text)
	})
}

func (e *everyNetwork) boosted(text string) bool {
	return slices.ContainsFunc(e.account.Boosts(), func(b standin.Boost) bool { return b.Text == text && !b.Undone })
}

// shown tells whether the page or the feed has a text.
func (e *everyNetwork) shown(text string) bool {
	visitor := e.browser()
	return strings.Contains(visitor.get("/city/nuernberg", http.StatusOK), text) ||
		strings.Contains(visitor.get("/city/nuernberg/feed.atom", http.StatusOK), text)
}

// report writes one on Mastodon and waits until everybody has it.
func (e *everyNetwork) report(text string) (id string) {
	e.Helper()
	id = e.account.Mention("rider@elsewhere.example", text, "public")
	e.box.waitFor(e.T, "one@riders.example", text)
	waitUntil(e, text+": everywhere", func() bool { return e.inChat(text) && e.boosted(text) && e.shown(text) })
	e.settled()
	return id
}

// taken waits until a report is taken back everywhere, which takes no longer than 10 s.
func (e *everyNetwork) taken(text string, do func()) {
	e.Helper()
	began := time.Now()
	do()
	waitUntil(e, text+": nowhere", func() bool { return !e.inChat(text) && !e.boosted(text) && !e.shown(text) })
	if took := time.Since(began); took > 10*time.Second {
		e.Errorf("%s: that took %s", text, took)
	}
}

// says checks what the moderators read of what did not pass.
func (e *everyNetwork) says(text string, there bool) {
	e.Helper()
	if page := e.moderator.get("/settings/reports?show=refused", http.StatusOK); strings.Contains(page, text) != there {
		e.Errorf("the moderators read %q: %v, want %v", text, !there, there)
	}
}

// TestEditsAndDeletionsAreFollowed has what went to all networks, the page and the feed
// changed into something else, changed into spam, and deleted by who wrote it.
func TestEditsAndDeletionsAreFollowed(t *testing.T) {
	slow.Test(t, "waits until messages are deleted")
	t.Parallel()
	e := startEverywhere(t)
	id := e.report("Kontis in der U1")
	e.remote.Edit(id, "Kontis in der U11", false)
	waitUntil(t, "the new words on the page", func() bool { return e.shown("Kontis in der U11") })
	if !e.inChat("Kontis in der U1") || !e.boosted("Kontis in der U1") {
		t.Error("what was sent did not stay")
	}
	e.taken("Kontis in der U1", func() { e.remote.Edit(id, "Kontis Casino", false) })
	e.says("changed by who wrote it", true)
	e.says("Kontis Casino", true)
	e.remote.Edit(id, "Kontis in der U1", false) // which changes nothing any more

	id = e.report("Kontis in der U2")
	e.taken("Kontis in der U2", func() { e.remote.Delete(id) })
	e.says("deleted by who wrote it", true)
	e.says("Kontis in der U2", false)

	id = e.report("Kontis in der U3")
	e.remote.Edit(id, "Kontis in der U3, mit Bild", true)
	waitUntil(t, "a post in place of the boost", func() bool {
		return !e.boosted("Kontis in der U3") && texts(e.account.Statuses())["Kontis in der U3, mit Bild"] == 1
	})
	e.settled()
	if e.inChat("U1") || e.inChat("U2") || !e.inChat("U3") || len(e.account.Lines()) != 1 {
		t.Errorf("what stands at last: %+v", e.account.Lines())
	}
}

// TestEditsOfTheTimeBetweenAreFollowed has reports changed and deleted while the program
// is down.
func TestEditsOfTheTimeBetweenAreFollowed(t *testing.T) {
	slow.Test(t, "starts twice, and looks again at what was heard")
	t.Parallel()
	e := startEverywhere(t)
	changed, deleted := e.report("Kontis in der U4"), e.report("Kontis in der U5")
	e.stop()
	e.remote.Edit(changed, "Casino in der U4", false)
	e.remote.Delete(deleted)
	e.app = e.start()
	e.taken("Kontis in der U4", func() {})
	e.taken("Kontis in der U5", func() {})
	e.report("Kontis in der U6")
}

// TestEditsThatNobodyHasSeenAreNotShown changes what passed where moderators look first: the boost,
// which shows the new words, goes, and what they have seen is posted.
func TestEditsThatNobodyHasSeenAreNotShown(t *testing.T) {
	slow.Test(t, "waits until a boost is undone")
	t.Parallel()
	e := startEverywhere(t)
	id := e.report("Kontis in der U7")
	e.moderator.post("/settings/reports/approval", url.Values{"approval": {"all"}}, http.StatusOK)
	e.remote.Edit(id, "Kontis in der U7, alles Deppen", false)
	waitUntil(t, "a post in place of the boost", func() bool {
		stands := slices.ContainsFunc(e.account.Boosts(), func(b standin.Boost) bool { return !b.Undone })
		return !stands && texts(e.account.Statuses())["Kontis in der U7"] == 1
	})
	e.settled()
	if e.shown("alles Deppen") || !e.shown("Kontis in der U7") || len(e.account.Lines()) != 1 {
		t.Errorf("what stands at last: %+v", e.account.Lines())
	}
}
