package frontend

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

func (b *board) bot(c report.City, network string) report.Bot {
	b.t.Helper()
	got, err := b.db.FindBot(b.t.Context(), c.ID, network)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

func TestSettingsNetworks(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")

	t.Run("cards", func(t *testing.T) {
		page := w.get("/settings/networks").want(http.StatusOK, "")
		page.says("network-tram", "Toy tram")
		page.says("network-tram", "A toy.")
		page.says("network-tram", "Starting")
		page.says("network-tram", "42 subscribers")
		page.says("network-tram", "bot of Nürnberg")
		page.says("network-bell", "Not connected")
		page.says("network-bell", "no bot")
		page.silent("network-bell", "Disconnect")
		page.silent("network-tram", "Disconnect")
	})
	t.Run("off and on", func(t *testing.T) {
		before := b.changes(c)
		w.post("/settings/bots/tram/disable").want(http.StatusSeeOther, "/settings/networks#network-tram")
		if got := b.bot(c, "tram"); got.Enabled || got.State != report.BotOff {
			t.Errorf("bot %+v", got)
		}
		page := w.get("/settings/networks")
		page.says("network-tram", "Toy tram is switched off.")
		page.says("network-tram", "Switch on")
		w.post("/settings/bots/tram/enable").want(http.StatusSeeOther, "/settings/networks#network-tram")
		if got := b.bot(c, "tram"); !got.Enabled {
			t.Errorf("bot %+v", got)
		}
		if got := b.changes(c); got != before+2 {
			t.Errorf("%d changes were told, want 2", got-before)
		}
	})
	t.Run("connecting", func(t *testing.T) {
		page := w.post("/settings/bell/connect", "token", "bad").want(http.StatusUnprocessableEntity, "")
		page.says("network-bell", "not accepted")
		page.says("network-tram", "bot of Nürnberg")
		input := page.find(func(n *html.Node) bool { return n.Data == "input" && attr(n, "value") == "bad" })
		if input == nil {
			t.Error("what was typed did not come back")
		}
		before := b.changes(c)
		w.post("/settings/bell/connect", "token", "good").want(http.StatusSeeOther, "/settings/networks#network-bell")
		if b.changes(c) == before {
			t.Error("nobody was told of the new bot")
		}
		page = w.get("/settings/networks")
		page.says("network-bell", "Connected.")
		page.says("network-bell", "Disconnect")
	})
	t.Run("disconnecting", func(t *testing.T) {
		id := b.bot(c, "bell").ID
		ask := w.get("/settings/bots/bell/disconnect").want(http.StatusOK, "")
		if got := attr(ask.id("ask"), "action"); got != "/settings/bots/bell/disconnect" {
			t.Errorf("the button posts to %s", got)
		}
		if got := b.bot(c, "bell"); !got.Enabled {
			t.Error("asking changed the bot")
		}
		b.bell.set(func(n *toyNetwork) { n.forgetErr = errors.New("broken") })
		w.post("/settings/bots/bell/disconnect").want(http.StatusSeeOther, "/settings/networks#network-bell")
		w.get("/settings/networks").says("network-bell", "could not be disconnected completely")
		if got := b.bot(c, "bell"); got.Enabled {
			t.Error("a bot that is half forgotten goes on")
		}
		b.bell.set(func(n *toyNetwork) { n.forgetErr, n.forgot = nil, nil })
		w.post("/settings/bots/bell/disconnect").want(http.StatusSeeOther, "/settings/networks#network-bell")
		if _, err := b.db.FindBot(t.Context(), c.ID, "bell"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("the bot is still there: %v", err)
		}
		b.bell.set(func(n *toyNetwork) {
			if diff := cmp.Diff([]int64{id}, n.forgot); diff != "" {
				t.Errorf("forgotten bots (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("what is not there or may not be done", func(t *testing.T) {
		w.get("/settings/bots/bell/disconnect").want(http.StatusNotFound, "")
		w.post("/settings/bots/bell/disconnect").want(http.StatusNotFound, "")
		w.post("/settings/bots/bell/enable").want(http.StatusNotFound, "")
		w.post("/settings/bots/nothing/enable").want(http.StatusNotFound, "")
		w.get("/settings/bots/tram/disconnect").want(http.StatusConflict, "")
		w.post("/settings/bots/tram/disconnect").want(http.StatusConflict, "")
		b.bot(c, "tram")
	})
}

// Where a city has several bots of a network, every sentence says which is meant.
func TestSettingsNameTheAccountOfSeveral(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	says := func(sentence string) {
		t.Helper()
		w.get("/settings/networks").says("network-bell", sentence)
	}
	w.post("/settings/bell/connect", "token", "good")
	w.post("/settings/bots/bell/disable")
	says("Toy bell is switched off.")
	w.post("/settings/bell/connect", "token", "good")
	list, err := b.db.NetworkBots(t.Context(), c.ID, "bell")
	if err != nil || len(list) != 2 {
		t.Fatalf("bots %v, %v", list, err)
	}
	id := strconv.FormatInt(list[1].ID, 10)
	name := "Toy bell (@bell" + id + ")"
	w.post("/settings/bots/bell/disable", "bot_id", id)
	says(name + " is switched off.")
	w.post("/settings/bots/bell/enable", "bot_id", id)
	says(name + " is switched on.")
	ask := w.get("/settings/bots/bell/disconnect?bot_id="+id).want(http.StatusOK, "")
	ask.says("main", "Disconnect "+name+"?")
	w.post("/settings/bots/bell/disconnect", "bot_id", id)
	says(name + " is disconnected")
}

func TestSettingsTrouble(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	bot := b.bot(c, "tram")

	t.Run("states in plain words, strangers' words escaped", func(t *testing.T) {
		words := map[report.BotState]string{report.BotRunning: "Working", report.BotTrouble: "In trouble",
			report.BotAttention: "Needs your attention", report.BotStarting: "Starting"}
		for state, text := range words {
			if err := b.db.SetBotState(t.Context(), bot.ID, state, `<b id="evil">Übertragung</b> failed`, true); err != nil {
				t.Fatal(err)
			}
			page := w.get("/settings/networks").want(http.StatusOK, "")
			page.says("network-tram", text)
			page.says("network-tram", `<b id="evil">Übertragung</b> failed`)
			if page.find(func(n *html.Node) bool { return attr(n, "id") == "evil" }) != nil {
				t.Fatal("an error of a network is taken for markup")
			}
		}
		w.get("/settings/networks").says("network-tram", "Restarted 4 times")
	})
	t.Run("a problem of the past is over", func(t *testing.T) {
		for state, want := range map[report.BotState]string{report.BotTrouble: "Last problem ", report.BotRunning: "Last problem (over) "} {
			if err := b.db.SetBotState(t.Context(), bot.ID, state, "It does not answer.", false); err != nil {
				t.Fatal(err)
			}
			page := w.get("/settings/networks").want(http.StatusOK, "")
			page.says("network-tram", want)
			marked := page.find(func(n *html.Node) bool { return attr(n, "class") == "trouble" }) != nil
			if marked != (state == report.BotTrouble) {
				t.Errorf("%s: shown as trouble: %t", state, marked)
			}
		}
	})
	t.Run("a limit is no error", func(t *testing.T) {
		if err := b.db.SetBotState(t.Context(), bot.ID, report.BotRunning, "", false); err != nil {
			t.Fatal(err)
		}
		for limit, words := range map[string]string{"without a live <b>connection</b>": "Limit: without a live <b>connection</b>", "": ""} {
			if err := b.db.SetBotLimit(t.Context(), bot.ID, limit); err != nil {
				t.Fatal(err)
			}
			page := w.get("/settings/networks").want(http.StatusOK, "")
			page.says("network-tram", "Working")
			page.says("network-tram", words)
			if page.find(func(n *html.Node) bool { return attr(n, "class") == "trouble" }) != nil {
				t.Errorf("%q is shown as trouble", limit)
			}
		}
	})
	t.Run("log", func(t *testing.T) {
		line := db.LogLine{At: time.Now(), Level: "WARN", Text: `<img id="evil"> größer`}
		if err := b.db.AddLog(t.Context(), bot.ID, line); err != nil {
			t.Fatal(err)
		}
		page := w.get("/settings/networks")
		page.says("network-tram", `<img id="evil"> größer`)
		if page.find(func(n *html.Node) bool { return attr(n, "id") == "evil" }) != nil {
			t.Error("a log line is taken for markup")
		}
	})
	failures := []struct {
		name  string
		set   func(n *toyNetwork)
		words string
	}{
		{"an error", func(n *toyNetwork) { n.err = errors.New("sql: secret detail") }, "something went wrong on our side"},
		{"an error in words for people", func(n *toyNetwork) { n.err = bots.Refused(bots.Say(nil, "tram.revoked")) }, "the token was revoked"},
		{"a page error", func(n *toyNetwork) { n.err = &bots.PageError{Status: 404, ID: "settings.error.gone"} }, "not there any more"},
		{"a panic", func(n *toyNetwork) { n.panics = true }, "something went wrong on our side"},
	}
	for _, tt := range failures {
		t.Run(tt.name+" of one network stays on its card", func(t *testing.T) {
			b.tram.set(tt.set)
			defer b.tram.set(func(n *toyNetwork) { n.err, n.panics = nil, false })
			page := w.get("/settings/networks").want(http.StatusOK, "")
			page.says("network-tram", tt.words)
			page.silent("network-tram", "secret detail")
			page.says("network-tram", "Switch off")
			page.silent("network-bell", tt.words)
			page.says("network-bell", "no bot")
		})
	}
}
