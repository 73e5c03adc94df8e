package app

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	programs "ticketfrei/bots/program"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
)

// chats is a program with one city and its Telegram bot.
type chats struct {
	*testing.T
	home  string // the data directory
	app   *app
	box   *mailbox
	api   *telegram.Server
	bot   *telegram.Bot
	admin *telegram.User
	page  *browser
}

func startChats(t *testing.T, env ...string) *chats {
	t.Helper()
	c := &chats{T: t, home: t.TempDir(), box: startMailbox(t)}
	c.api = startTelegram(t, telegram.Options{})
	definitions := all.Networks()
	env = append(env, "TICKETFREI_TELEGRAM_API="+c.api.URL)
	cfg := appConfig(t, c.home, c.box, definitions, env...)
	more, _, err := programs.Definitions(cfg, definitions)
	if err != nil {
		t.Fatal(err)
	}
	c.app = runApp(t, cfg, slices.Concat(definitions, more))
	c.app.addCity("nuernberg", "*", "")
	c.bot, c.admin = c.api.AddBot("kontis_nbg_bot", "Kontis"), c.api.AddUser("admin", "de")
	c.page = c.app.login("moderator@nuernberg.example")
	c.page.confirm("/settings/telegram", url.Values{"token": {c.bot.Token()}}, hiddenAccount, "account")
	return c
}

// stands tells whether a text stands in one of the messages.
func stands(list []telegram.Message, text string) bool {
	for _, m := range list {
		if m.FromBot && !m.Deleted && strings.Contains(m.Text, text) {
			return true
		}
	}
	return false
}

// TestGroupInSlowModeHoldsUpNobody has somebody add the bot to a group that takes a
// message an hour.
func TestGroupInSlowModeHoldsUpNobody(t *testing.T) {
	slow.Test(t, "sends as slowly as Telegram wants")
	t.Parallel()
	c := startChats(t)
	group := c.api.AddGroup("Slow")
	group.SlowMode(time.Hour)
	group.Add(c.admin, c.bot, true)
	var riders []*telegram.User
	for i := range 5 {
		u := c.api.AddUser(fmt.Sprint("rider", i), "de")
		u.Write(c.bot, "/start")
		riders = append(riders, u)
	}
	for _, u := range riders {
		waitUntil(t, "a rider to be welcomed", func() bool { return stands(c.bot.Chat(u), "/stop") })
	}
	for i := range 10 {
		c.app.mustSend("one@riders.example", here, fmt.Sprint("m", i, "@x"), "", fmt.Sprint("U", i, " Plärrer"))
	}
	for i := range 10 {
		for _, u := range riders {
			waitUntil(t, "the report", func() bool { return stands(c.bot.Chat(u), fmt.Sprint("U", i, " Plärrer")) })
		}
	}
	if text := c.page.get("/settings/networks", http.StatusOK); !strings.Contains(text, "Slow") {
		t.Error("the settings do not show the group")
	}
}

// TestClosedTopicIsToldToItsModerators mails them, and shows which one it is.
func TestClosedTopicIsToldToItsModerators(t *testing.T) {
	slow.Test(t, "waits for a mail")
	c := startChats(t)
	forum := c.api.AddForum("Straßenbahn")
	topic := forum.AddTopic(c.admin, "Kontrollen")
	forum.Add(c.admin, c.bot, true)
	forum.Post(c.admin, telegram.Post{Text: "/start@kontis_nbg_bot", Topic: topic})
	waitUntil(t, "the welcome", func() bool { return stands(forum.Messages(), "/stop") })
	c.app.mustSend("zero@riders.example", here, "m0@x", "", "U3 Gustav-Adolf-Straße")
	waitUntil(t, "a report while it is open", func() bool { return stands(forum.Messages(), "U3 Gustav-Adolf-Straße") })
	forum.CloseTopic(c.admin, topic)
	c.app.mustSend("one@riders.example", here, "m1@x", "", "U1 Plärrer")
	c.box.waitFor(t, "moderator@nuernberg.example", "Telegram")
	page := c.page.get("/settings/networks", http.StatusOK)
	for _, want := range []string{"Straßenbahn", "Kontrollen", "1 needs your attention"} {
		if !strings.Contains(page, want) {
			t.Errorf("the settings do not show %s", want)
		}
	}
	forum.ReopenTopic(c.admin, topic)
	waitUntil(t, "the topic to be open", func() bool { return c.bot.Pending() == 0 })
	c.app.mustSend("two@riders.example", here, "m2@x", "", "U2 Maxfeld")
	waitUntil(t, "the report", func() bool { return stands(forum.Messages(), "U2 Maxfeld") })
}

// TestGroupsOnAPhone shows the list of groups, which may be long, to a moderator on the
// way.
func TestGroupsOnAPhone(t *testing.T) {
	slow.Test(t, "goes through the settings in a real browser")
	chromium := startChromium(t)
	c := startChats(t)
	w := c.app.open(t, chromium, visitor{name: "phone", width: 390, height: 844, language: "de"})
	w.goTo("/login")
	w.typeInto("#email", "moderator@nuernberg.example")
	w.typeInto("#password", password)
	w.press("#login button")
	w.goTo("/settings/networks")
	w.openGroups()
	w.reads(`details[id^="telegram-groups-"]`, "noch in keiner Gruppe")
	c.api.AddForum("مترو برلين").Add(c.admin, c.bot, true)
	for i := range 200 {
		c.api.AddGroup(fmt.Sprint(i, " Straßenbahn", strings.Repeat("donaudampfschifffahrt", i%9))).Add(c.admin, c.bot, true)
	}
	waitUntil(t, "the groups", func() bool {
		return strings.Count(c.page.get("/settings/networks", http.StatusOK), `name="group"`) == 201
	})
	w.goTo("/settings/networks")
	w.openGroups()
	w.reads(`details[id^="telegram-groups-"] li:nth-child(201)`, "مترو")
	w.press(`details[id^="telegram-groups-"] li:first-child button`)
	w.openGroups()
	w.reads(`details[id^="telegram-groups-"] li:first-child`, "ausgeschaltet")
}

// openGroups opens the list of the bot's groups.
func (w *window) openGroups() {
	w.Helper()
	ask[bool](w, `document.querySelector('details[id^="telegram-groups-"]').open = true`)
	w.audit()
}
