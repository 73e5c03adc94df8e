package app

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
)

// TestThreeNetworksHearEachOther runs the real binary between stand-ins of
// mail, Mastodon and Telegram, and writes on each.
func TestThreeNetworksHearEachOther(t *testing.T) {
	slow.Test(t, "builds the program")
	t.Parallel()
	box, remote := startMailbox(t), startMastodon(t)
	api := startTelegram(t, telegram.Options{})
	binary := buildProgram(t)
	env, a := environment(t, t.TempDir(), box)
	env = append(env, "TICKETFREI_NETWORK_ALLOW_PRIVATE=true", "TICKETFREI_TELEGRAM_API="+api.URL)
	mustAddCity(t, binary, env, "nuernberg")
	startProgram(t, binary, env...)

	const moderator = "m@nuernberg.example"
	a.allowEverything(moderator)
	account := remote.AddAccount("kontis_nbg")
	b := a.login(moderator)
	b.confirm("/settings/mastodon", url.Values{"instance": {remote.URL}, "token": {account.Token()}}, hiddenAccount, "account")
	bot := api.AddBot("kontis_nbg_bot", "Kontis")
	b.confirm("/settings/telegram", url.Values{"token": {bot.Token()}}, hiddenAccount, "account")

	a.subscribe(box, "nuernberg", "one@riders.example")
	writer, reader := api.AddUser("writer", "en"), api.AddUser("reader", "de")
	writer.Write(bot, "/start")
	reader.Write(bot, "/start")
	heard := func(u *telegram.User, text string) int { return said(bot.Chat(u), text) }
	waitUntil(t, "both riders to be welcomed", func() bool { return heard(writer, "/stop") > 0 && heard(reader, "/stop") > 0 })

	steps := []struct {
		name, text string
		write      func(text string)
		boosted    bool
	}{
		{"by mail", "Kontis am Plärrer", func(text string) { a.mustSend("two@riders.example", here, "m1@x", "", text) }, false},
		{"on Mastodon", "Kontis in der U2", func(text string) { account.Mention("rider@elsewhere.example", text, "public") }, true},
		{"on Telegram", "Kontis in der U3", func(text string) { writer.Write(bot, text) }, false},
	}
	for _, s := range steps {
		s.write(s.text)
		box.waitFor(t, "one@riders.example", s.text)
		waitUntil(t, s.name+": Telegram", func() bool { return heard(reader, s.text) == 1 })
		waitUntil(t, s.name+": Mastodon", func() bool {
			return s.boosted && len(account.Boosts()) == 1 || !s.boosted && texts(account.Statuses())[s.text] == 1
		})
	}
	if n := heard(writer, "Kontis in der U3"); n != 0 {
		t.Errorf("the writer was sent the own report %d times", n)
	}
	if n := heard(writer, "Kontis in der U2"); n != 1 {
		t.Errorf("the writer was sent another's report %d times, want once", n)
	}
}

// confirm connects an account by its token and confirms that it is the right
// one. It returns the page that asked.
func (b *browser) confirm(path string, form url.Values, hidden *regexp.Regexp, name string) (page string) {
	b.Helper()
	page = b.post(path+"/token", form, http.StatusOK)
	id := hidden.FindStringSubmatch(page)
	if id == nil {
		b.Fatalf("%s: no form to confirm the account", path)
	}
	b.post(path+"/confirm", url.Values{name: {id[1]}}, http.StatusOK)
	return page
}
