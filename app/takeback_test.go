package app

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"ticketfrei/bots/all"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
)

// reportField is the report that a form of the settings is about.
var reportField = regexp.MustCompile(`name="report" value="([^"]+)"`)

// TestTakingBackReachesChats takes back on the settings page what went to chats, to
// Mastodon and to a subscriber of mails.
func TestTakingBackReachesChats(t *testing.T) {
	slow.Test(t, "waits until messages are deleted")
	box, remote := startMailbox(t), startMastodon(t)
	api := startTelegram(t, telegram.Options{})
	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions, "TICKETFREI_TELEGRAM_API="+api.URL), definitions)
	a.addCity("nuernberg", "kontis?", "")
	account := remote.AddAccount("kontis_nbg")
	a.connect("nuernberg", account, remote.URL)
	bot := api.AddBot("kontis_nbg_bot", "Kontis")
	b := a.login("moderator@nuernberg.example")
	b.confirm("/settings/telegram", url.Values{"token": {bot.Token()}}, hiddenAccount, "account")
	a.subscribe(box, "nuernberg", "one@riders.example")

	const text = "Kontis am Plärrer"
	readers := []*telegram.User{api.AddUser("anna", "en"), api.AddUser("bert", "de")}
	stands := func(u *telegram.User, text string) bool {
		for _, m := range bot.Chat(u) {
			if m.FromBot && !m.Deleted && strings.Contains(m.Text, text) {
				return true
			}
		}
		return false
	}
	for _, u := range readers {
		u.Write(bot, "/start")
		waitUntil(t, "a reader to be welcomed", func() bool { return stands(u, "/stop") })
	}
	a.mustSend("two@riders.example", here, "m1@x", "", text)
	box.waitFor(t, "one@riders.example", text)
	waitUntil(t, "the post", func() bool { return texts(account.Statuses())[text] == 1 })
	for _, u := range readers {
		waitUntil(t, "the report in a chat", func() bool { return stands(u, text) })
	}
	a.settled()

	found := reportField.FindStringSubmatch(b.get("/settings/reports", http.StatusOK))
	if found == nil {
		t.Fatal("the page shows no report")
	}
	b.post("/settings/reports/take-back", url.Values{"report": {found[1]}, "show": {"passed"}}, http.StatusOK)
	for _, u := range readers {
		waitUntil(t, "the message to be deleted", func() bool { return !stands(u, text) })
		if !stands(u, "/stop") {
			t.Error("the answer to /start was deleted")
		}
	}
	waitUntil(t, "the post to be deleted", func() bool { return account.Statuses()[0].Deleted })
	a.settled()
	// The mail cannot be called back, and the page does not say so.
	waitUntil(t, "the record of it", func() bool {
		page := b.get("/settings/reports?show=refused", http.StatusOK)
		return strings.Contains(page, "delivered once") && strings.Contains(page, "deleted again 3 times")
	})
}
