package app

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
	"ticketfrei/supervisor"
)

func startMastodon(t *testing.T) *standin.Server {
	t.Helper()
	s, err := standin.Start(standin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var hiddenAccount = regexp.MustCompile(`name="account" value="([^"]+)"`)

// connect connects a city's bot to an account by pasting its token, as a
// moderator does, and waits until the bot runs.
func (a *app) connect(slug string, account *standin.Account, instance string) report.Bot {
	a.Helper()
	b := a.login("moderator@" + slug + ".example")
	page := b.confirm("/settings/mastodon", url.Values{"instance": {instance}, "token": {account.Token()}}, hiddenAccount, "account")
	if !strings.Contains(page, account.Handle()) {
		a.Fatalf("the page does not show the account %s before it is saved", account.Handle())
	}
	c, err := a.server.db.FindCity(a.Context(), slug)
	if err != nil {
		a.Fatal(err)
	}
	var bot report.Bot
	waitUntil(a, "the Mastodon bot to run", func() bool {
		bot, err = a.server.db.FindBot(a.Context(), c.ID, "mastodon")
		return err == nil && bot.State == report.BotRunning
	})
	return bot
}

func texts(posts []standin.Post) map[string]int {
	n := make(map[string]int)
	for _, p := range posts {
		n[p.Text]++
	}
	return n
}

// directs are what an account wrote to one person alone.
func directs(a *standin.Account) (list []string) {
	for _, p := range a.Statuses() {
		if p.Visibility == "direct" {
			list = append(list, p.Text)
		}
	}
	return list
}

func TestMailAndMastodonHearEachOther(t *testing.T) {
	box, remote := startMailbox(t), startMastodon(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis?", "")
	account := remote.AddAccount("kontis_nbg")
	a.connect("nuernberg", account, remote.URL)
	a.subscribe(box, "nuernberg", "one@riders.example")

	a.mustSend("two@riders.example", here, "m1@x", "", "Kontis am Plärrer")
	box.waitFor(t, "one@riders.example", "Kontis am Plärrer")
	waitUntil(t, "the mailed report on Mastodon", func() bool { return texts(account.Statuses())["Kontis am Plärrer"] == 1 })

	public := account.Mention("rider@elsewhere.example", "Kontis in der U2", "public")
	box.waitFor(t, "one@riders.example", "Kontis in der U2")
	waitUntil(t, "the boost", func() bool { b := account.Boosts(); return len(b) == 1 && b[0].StatusID == public })

	account.Mention("shy@elsewhere.example", "Kontis in der U3", "direct")
	l := box.waitFor(t, "one@riders.example", "Kontis in der U3")
	waitUntil(t, "the private mention as a new post", func() bool { return texts(account.Statuses())["Kontis in der U3"] == 1 })
	a.settled()
	if len(account.Boosts()) != 1 {
		t.Error("a private mention was boosted")
	}
	waitUntil(t, "an answer in private", func() bool { return len(directs(account)) > 0 })
	for _, p := range account.Statuses() {
		if p.Visibility != "direct" && (strings.Contains(p.Text, "shy") || len(p.Mentions) > 0) {
			t.Errorf("the post names its author: %+v", p)
		}
	}
	if got := directs(account); len(got) != 1 || got[0] != "@shy@elsewhere.example Weitergegeben, an 1 Person und öffentlich gepostet." {
		t.Errorf("answered in private %q", got)
	}
	if strings.Contains(l.Body, "shy") {
		t.Error("the mail names the author of a private mention")
	}
}

// TestMentionsMadeWhileDown stops the whole program while people write.
func TestMentionsMadeWhileDown(t *testing.T) {
	slow.Test(t, "sends 300 mails")
	box, remote := startMailbox(t), startMastodon(t)
	dir := t.TempDir()
	a := startApp(t, dir, box)
	a.addCity("nuernberg", "*", "")
	account := remote.AddAccount("kontis_nbg")
	a.connect("nuernberg", account, remote.URL)
	a.subscribe(box, "nuernberg", "one@riders.example")
	a.stop()

	const n = 300
	for i := range n {
		account.Mention(fmt.Sprintf("rider%d@elsewhere.example", i), fmt.Sprintf("Meldung %d.", i), "public")
	}
	a = startApp(t, dir, box)
	waitUntil(t, "300 boosts", func() bool { return len(account.Boosts()) >= n })
	waitUntil(t, "300 mails", func() bool { return len(box.to(t, "one@riders.example", "Meldung")) >= n })
	a.settled()
	if got := len(account.Boosts()); got != n {
		t.Errorf("%d boosts, want %d", got, n)
	}
	for i := range n {
		if got := len(box.to(t, "one@riders.example", fmt.Sprintf("Meldung %d.", i))); got != 1 {
			t.Errorf("mention %d was mailed %d times, want once", i, got)
		}
	}
}

// sureSoon has one refusal be enough to need the moderators.
var sureSoon = supervisor.Refusals{Times: 1, For: -1, Looks: []time.Duration{time.Second}}

// TestDeletedTokenNeedsAttention has an instance refuse a token that was deleted, until
// the moderator connects the account again.
func TestDeletedTokenNeedsAttention(t *testing.T) {
	slow.Test(t, "waits until a bot was refused often enough")
	box, remote := startMailbox(t), startMastodon(t)
	definitions := all.Networks()
	a := runAppIn(t, appConfig(t, t.TempDir(), box, definitions), definitions, mode{refusals: sureSoon})
	a.addCity("nuernberg", "kontis?", "")
	account := remote.AddAccount("kontis_nbg")
	bot := a.connect("nuernberg", account, remote.URL)
	account.RevokeTokens()
	remote.DropStreams()
	l := box.waitFor(t, "moderator@nuernberg.example", "HTTP 401")
	link := regexp.MustCompile(regexp.QuoteMeta(a.url) + `(/settings/networks)#(\S+)`).FindStringSubmatch(l.Body)
	if link == nil {
		t.Fatalf("the mail does not say where to mend it:\n%s", l.Body)
	}
	if l.Header.Get("Auto-Submitted") != "auto-generated" || l.Header.Get("Message-ID") == "" {
		t.Errorf("no mail of a machine: %v", l.Header)
	}
	waitUntil(t, "the bot to need its moderator", func() bool {
		got, err := a.server.db.Bot(t.Context(), bot.ID)
		return err == nil && got.State == report.BotAttention
	})
	page := a.login("moderator@nuernberg.example").get(link[1], http.StatusOK)
	if !strings.Contains(page, "HTTP 401") {
		t.Error("the settings page does not show what the instance answered")
	}
	if !strings.Contains(page, `id="`+link[2]+`"`) {
		t.Errorf("the mail leads to #%s, which is not on the page", link[2])
	}
	a.mustSend("x@x.example", here, "m1@x", "", "Kontis am Plärrer")
	account.Mention("rider@elsewhere.example", "Kontis in der U2", "public")
	account.NewToken()
	a.connect("nuernberg", account, remote.URL)
	box.waitFor(t, "moderator@nuernberg.example", "works again")
	waitUntil(t, "what has waited", func() bool { return texts(account.Statuses())["Kontis am Plärrer"] == 1 && len(account.Boosts()) == 1 })
}
