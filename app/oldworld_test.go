package app

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"ticketfrei/bots/all"
	"ticketfrei/bots/mastodon/standin"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/config"
)

// oldWorld is the networks of the old directory, as they are when it is opened
// again, and today's program running on it.
type oldWorld struct {
	*app
	old   oldData
	box   *mailbox
	dir   string
	move  func(*config.Config) // the directory's database elsewhere before the start; nil: it stays
	clock oldClock             // of the Mastodon server

	mastodon *standin.Server
	accounts map[string]*standin.Account // by username
	telegram *telegram.Server
	bots     map[string]*telegram.Bot // by username
	people   map[string]*telegram.User
	groups   map[string]*telegram.Group
}

// oldClock is a clock that can be set back.
type oldClock struct{ at atomic.Pointer[time.Time] }

// set stops the clock at t. The zero time starts it again.
func (c *oldClock) set(t time.Time) { c.at.Store(&t) }

func (c *oldClock) now() time.Time {
	if t := c.at.Load(); t != nil && !t.IsZero() {
		return *t
	}
	return time.Now()
}

// restoreWorld gives the networks the state that they had at the old program's
// end. It does not start today's program.
func restoreWorld(t *testing.T) *oldWorld {
	t.Helper()
	w := &oldWorld{app: &app{T: t}, box: startMailbox(t)}
	w.dir, w.old = unpackOld(t)
	w.restoreMastodon()
	w.restoreTelegram()
	return w
}

// start opens the directory with today's program.
func (w *oldWorld) start() {
	w.Helper()
	definitions := all.Networks()
	cfg := appConfig(w.T, w.dir, w.box, definitions, "TICKETFREI_TELEGRAM_API="+w.telegram.URL)
	freshen(w.T, w.dir, w.old, cfg.Web.Listen, w.mastodon.Domain())
	if w.move != nil {
		w.move(cfg)
	}
	w.app = runApp(w.T, cfg, definitions)
}

// restoreMastodon restores Mastodon's stand-in.
func (w *oldWorld) restoreMastodon() {
	w.Helper()
	s, err := standin.Start(standin.Options{Now: w.clock.now})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { s.Close() })
	w.mastodon, w.accounts = s, map[string]*standin.Account{}
	for i, a := range w.old.Accounts {
		f := standin.Former{ID: a.ID, Username: a.Username, Token: a.Token}
		for _, p := range w.old.Posts {
			if i == 0 {
				f.Posts = append(f.Posts, standin.Post{ID: p.ID, Text: p.Text, At: time.Now().Add(-time.Minute)})
			}
		}
		for _, h := range w.old.Heard {
			f.Heard = append(f.Heard, standin.Post{ID: h.ID, Text: h.Text, At: time.Now().Add(-time.Minute)})
		}
		w.accounts[a.Username] = s.Restore(f)
	}
}

// restoreTelegram restores Telegram's stand-in.
func (w *oldWorld) restoreTelegram() {
	w.Helper()
	s := startTelegram(w.T, telegram.Options{})
	w.telegram, w.bots = s, map[string]*telegram.Bot{}
	w.people, w.groups = map[string]*telegram.User{}, map[string]*telegram.Group{}
	for _, b := range w.old.Bots {
		w.bots[b.Username] = s.RestoreBot(b.ID, b.Username, b.Name, b.Token, b.Next)
	}
	for _, p := range w.old.People {
		w.people[p.Name] = s.RestoreUser(p.ID, p.Name, p.Language)
		w.bots[p.Bot].Know(w.people[p.Name], p.Messages)
	}
	for _, g := range w.old.Groups {
		w.groups[g.Name] = s.RestoreGroup(g.ID, g.Former, g.Name)
		w.groups[g.Name].Know(w.bots[g.Bot], true, g.Messages)
	}
}

// told counts the bot's messages with that text in a person's or a group's
// chat.
func (w *oldWorld) told(bot, chat, text string) int {
	w.Helper()
	var list []telegram.Message
	if u := w.people[chat]; u != nil {
		list = w.bots[bot].Chat(u)
	} else {
		list = w.groups[chat].Messages()
	}
	return said(list, text)
}

// waitTold waits until the bot has written the text to the chat.
func (w *oldWorld) waitTold(bot, chat, text string) {
	w.Helper()
	waitUntil(w, fmt.Sprintf("%s to write %q to %s", bot, text, chat), func() bool { return w.told(bot, chat, text) > 0 })
}

// waitPosted waits until the account has posted the text.
func (w *oldWorld) waitPosted(account, text string) {
	w.Helper()
	waitUntil(w, fmt.Sprintf("%s to post %q", account, text), func() bool { return texts(w.accounts[account].Statuses())[text] > 0 })
}

// mailed waits until the rider has been mailed the text.
func (w *oldWorld) mailed(rider, text string) {
	w.Helper()
	w.box.waitFor(w.T, rider+"@riders.example", text)
}

// city logs a moderator in with the old password and selects the city.
func (w *oldWorld) city(moderator, name string) *browser {
	w.Helper()
	b := w.login(moderator)
	page := b.get("/settings", http.StatusOK)
	if strings.Contains(b.reads(page, "h1"), name) {
		return b
	}
	for n := range b.part(page, "switch-city").Descendants() {
		if n.Data == "option" && n.FirstChild != nil && n.FirstChild.Data == name {
			page = b.submit(page, "body", "/settings/city", url.Values{"city": {attr(n, "value")}})
		}
	}
	if title := b.reads(page, "h1"); !strings.Contains(title, name) {
		w.Fatalf("%s cannot get to the settings of %s: %s", moderator, name, title)
	}
	return b
}

// checkSession checks that Leeds's moderator, who logged in before the update, is
// asked to log in once more.
func (w *oldWorld) checkSession() {
	w.Helper()
	b := w.browser()
	site, err := url.Parse(w.url)
	if err != nil {
		w.Fatal(err)
	}
	b.client.Jar.SetCookies(site, []*http.Cookie{{Name: "ticketfrei", Value: w.old.Session, Path: "/"}})
	b.reads(b.get("/settings", http.StatusOK), "login")
}

// waitReads waits until a part of the settings says all of it.
func (b *browser) waitReads(id string, says ...string) {
	b.Helper()
	page := "/settings/networks"
	switch id {
	case "moderators":
		page = "/settings/people"
	case "rules":
		page = "/settings/rules"
	}
	waitUntil(b, fmt.Sprintf("the settings' %s to say %q", id, says), func() bool {
		text := b.reads(b.get(page, http.StatusOK), id)
		return !slices.ContainsFunc(says, func(s string) bool { return !strings.Contains(text, s) })
	})
}

// listItem returns the report in that list of the settings; nil where it is not
// there. The lists are named as in the address of the page.
func (b *browser) listItem(list, report string) *html.Node {
	b.Helper()
	page := b.get("/settings/reports?show="+list, http.StatusOK)
	for n := range b.part(page, "body").Descendants() {
		if n.Data == "li" && strings.Contains(textOf(n), report) {
			return n
		}
	}
	return nil
}

// listed returns what the list says of a report; nothing where it is not there.
func (b *browser) listed(list, report string) string {
	b.Helper()
	if n := b.listItem(list, report); n != nil {
		return textOf(n)
	}
	return ""
}

// waitHeld waits until the report is listed among the held ones.
func (b *browser) waitHeld(report string) {
	b.Helper()
	waitUntil(b, "the report to be held: "+report, func() bool { return b.listed("refused", report) != "" })
}
