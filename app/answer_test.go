package app

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"ticketfrei/bots/all"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/slow"
)

// TestPrivateReportIsAnsweredWithinSeconds has somebody report to a bot on Telegram that
// 33 others have started, while one reads by mail: they learn how many read it, 2 s after
// the first of those at the latest.
func TestPrivateReportIsAnsweredWithinSeconds(t *testing.T) {
	slow.Test(t, "greets and writes to many at the pace of Telegram")
	box := startMailbox(t)
	second := telegram.Limit{N: 31, Per: time.Second}
	api := startTelegram(t, telegram.Options{Limits: telegram.Limits{Bot: second}})
	definitions := all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions, "TICKETFREI_TELEGRAM_API="+api.URL), definitions)
	a.addCity("nuernberg", `\bu\d\b`, "")
	bot := api.AddBot("kontis_nbg_bot", "Kontis")
	a.login("moderator@nuernberg.example").confirm("/settings/telegram", url.Values{"token": {bot.Token()}}, hiddenAccount, "account")
	a.subscribe(box, "nuernberg", "one@riders.example")
	says := func(u *telegram.User, text string) func() bool {
		return func() bool { return said(bot.Chat(u), text) > 0 }
	}
	writer := api.AddUser("writer", "de")
	readers := []*telegram.User{writer}
	for i := range 33 {
		readers = append(readers, api.AddUser(fmt.Sprint("reader", i), "de"))
	}
	for _, u := range readers {
		u.Write(bot, "/start")
		waitUntil(t, "a reader to be welcomed", says(u, "/stop"))
	}

	for i, step := range []struct{ report, answer string }{
		{"U1 Plärrer, 2 Kontis", "Weitergegeben, an 34 Leute."},
		{"am Plärrer", "sag dazu, welche Linie oder Haltestelle"},
		{"U1 Plärrer, 2 Kontis", "Schon bekannt, danke!"},
	} {
		began := time.Now()
		if writer.Write(bot, step.report); i == 0 {
			waitUntil(t, "the first reader", func() bool { return bot.Sent() > len(readers) })
			began = time.Now()
		}
		waitUntil(t, step.answer, says(writer, step.answer))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%q was answered after %s", step.report, took)
		}
	}
	for _, u := range readers[1:] {
		waitUntil(t, "a reader", says(u, "U1 Plärrer"))
	}
	a.settled()
	if n := bot.Sent(); n != 34+33+3 {
		t.Errorf("the bot wrote %d times, want 34 greetings, 33 reports and 3 answers", n)
	}
}
