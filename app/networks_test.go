package app

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"ticketfrei/bots/all"
	"ticketfrei/bots/mastodon/standin"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
)

// startOnBoth starts a program whose city nuernberg is on Mastodon and Telegram.
func startOnBoth(t *testing.T, dir string) (*app, *standin.Account, *telegram.Server, *telegram.Bot) {
	t.Helper()
	remote := startMastodon(t)
	api := startTelegram(t, telegram.Options{})
	definitions := all.Networks()
	a := runApp(t, appConfig(t, dir, startMailbox(t), definitions, "TICKETFREI_TELEGRAM_API="+api.URL), definitions)
	a.addCity("nuernberg", "kontis?", "")
	account, bot := remote.AddAccount("kontis_nbg"), api.AddBot("kontis_nbg_bot", "Kontis")
	a.connect("nuernberg", account, remote.URL)
	a.login("moderator@nuernberg.example").confirm("/settings/telegram", url.Values{"token": {bot.Token()}}, hiddenAccount, "account")
	return a, account, api, bot
}

// TestNetworksStoreNobody has people write in public, privately and in a group, and
// get what others wrote: no file and no log names them, their chats or their messages.
func TestNetworksStoreNobody(t *testing.T) {
	slow.Test(t, "waits for many things to be sent")
	dir := t.TempDir()
	a, account, api, bot := startOnBoth(t, dir)
	anna, bert, group := api.AddUser("Annegret", "en"), api.AddUser("Bertram", "en"), api.AddGroup("Tram riders")
	group.Add(anna, bot, true)
	bert.Write(bot, "/start")
	got := func(list []telegram.Message, text string) bool { return said(list, text) > 0 }
	waitUntil(t, "the welcome", func() bool { return got(bot.Chat(bert), "/stop") && got(group.Messages(), "@kontis_nbg_bot") })

	public := account.Mention("carola@elsewhere.example", "Kontis in der U1", "public")
	pictured := account.MentionWith(standin.Mention{Author: "doro@elsewhere.example", Text: "Kontis in der U2", Visibility: "public", Picture: true,
		Names: []string{"emil@elsewhere.example"}})
	waitUntil(t, "the boost", func() bool { return boostedText(account, "Kontis in der U1") })
	waitUntil(t, "the post", func() bool { return texts(account.Statuses())["Kontis in der U2"] == 1 })
	if len(account.Boosts()) != 1 {
		t.Error("a mention with a picture was boosted")
	}
	for text, write := range map[string]func(string) int{
		"Kontis in der U3": func(s string) int { return anna.Write(bot, s) }, // who has not subscribed
		"Kontis in der U4": func(s string) int { return group.Write(anna, s+" @kontis_nbg_bot @fritz_the_third") },
	} {
		write(text)
		waitUntil(t, "the report in a chat", func() bool { return got(bot.Chat(bert), text) })
		waitUntil(t, "the report on Mastodon", func() bool { return texts(account.Statuses())[text] == 1 })
	}
	a.settled()

	id := func(n int64) string { return strings.TrimPrefix(strconv.FormatInt(n, 10), "-") }
	names := []string{id(anna.ID()), id(bert.ID()), id(group.ID()), "Annegret", "Bertram", "Tram riders", "carola", "doro@", "emil", "fritz", public, pictured}
	found := a.log.String()
	for _, content := range contents(t, dir) {
		found += content
	}
	for _, name := range names {
		for _, form := range []string{name, strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(name)), "=")} {
			if strings.Contains(found, form) {
				t.Errorf("a file or a log holds %q", form)
			}
		}
	}
}

// TestCityPageSaysWhereANameIsSeen has a city on both networks, and one on neither. It
// is said below the addresses.
func TestCityPageSaysWhereANameIsSeen(t *testing.T) {
	a, _, _, _ := startOnBoth(t, t.TempDir())
	a.addCity("fuerth", "kontis?", "")
	pages := map[string]string{}
	for _, slug := range []string{"nuernberg", "fuerth"} {
		pages[slug] = a.browser().get("/city/"+slug, http.StatusOK)
	}
	c, err := a.server.db.FindCity(t.Context(), "nuernberg")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"mastodon.visible", "telegram.visible"} {
		said := a.server.site.Texts.T(c.Language, id)
		if strings.Count(pages["nuernberg"], said) != 1 || strings.Contains(pages["fuerth"], said) {
			t.Errorf("%q stands %d times on the page of who has the network, %d times on the other", said,
				strings.Count(pages["nuernberg"], said), strings.Count(pages["fuerth"], said))
		}
	}
}
