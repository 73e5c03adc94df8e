package app

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/all"
	programs "ticketfrei/bots/program"
	telegram "ticketfrei/bots/telegram/standin"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/slow"
	"ticketfrei/manage"
)

// timetable answers commands and looks at reports.
const timetable = `#!/bin/sh
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/^{"type":"[a-z]*","id":"\([^"]*\)".*/\1/p')
  case $line in
  '{"type":"begin"'*) echo '{"type":"ready","protocol":1}' ;;
  '{"type":"ping"'*) echo '{"type":"pong"}' ;;
  '{"type":"command"'*'"line":"U1"'*) printf '{"type":"answer","to":"%s","text":"U1 in 5 minutes"}\n' "$id" ;;
  '{"type":"command"'*nothing*) printf '{"type":"answer","to":"%s","text":""}\n' "$id" ;;
  '{"type":"command"'*) printf '{"type":"answer","to":"%s","text":"which line?"}\n' "$id" ;;
  '{"type":"task"'*Werbung*) printf '{"type":"result","id":"%s","verdict":{"refuse":true,"reason":"looks like advertising"}}\n' "$id" ;;
  '{"type":"task"'*) printf '{"type":"answer","to":"%s","text":"a bus goes instead"}\n{"type":"result","id":"%s","results":{"minutes":5}}\n' "$id" "$id" ;;
  '{"type":"end"'*) exit 0 ;;
  esac
done
`

// TestProgramAnswersEverywhere has people write commands to the bots of a city on
// Telegram, in a chat and in a group, on Mastodon and on the page: the program answers,
// and a word that is mistyped gets the nearest one. What it makes of a report is shown to
// the moderators, and its word reaches whoever wrote it.
func TestProgramAnswersEverywhere(t *testing.T) {
	slow.Test(t, "goes through all networks")
	t.Parallel()
	dir := t.TempDir()
	outsideProgram(t, dir, "timetable", "can = [\"command\", \"task\"]\n[[command]]\nword = \"fahrplan\"\nentities = [\"line\"]\n", timetable)
	api, remote := startTelegram(t, telegram.Options{}), startMastodon(t)
	definitions := all.Networks()
	cfg := appConfig(t, t.TempDir(), startMailbox(t), definitions, append(unbraked, "TICKETFREI_TELEGRAM_API="+api.URL, "TICKETFREI_PROGRAMS_DIR="+dir)...)
	more, _, err := programs.Definitions(cfg, definitions)
	if err != nil {
		t.Fatal(err)
	}
	a := runApp(t, cfg, append(definitions, more...))
	city := a.addCity("nuernberg", `\bu\d\b`, "")
	dbtest.MustSavePlaces(t, a.server.db, city.ID, "U1: Plärrer")
	account, bot := remote.AddAccount("kontis_nbg"), api.AddBot("kontis_nbg_bot", "Kontis")
	a.connect("nuernberg", account, remote.URL)
	moderator := a.login("moderator@nuernberg.example")
	moderator.confirm("/settings/telegram", url.Values{"token": {bot.Token()}}, hiddenAccount, "account")
	a.connectProgram("timetable", city, nil)
	rider, group := api.AddUser("rider", "de"), api.AddGroup("Tram")
	rider.Write(bot, "/start")
	group.Add(rider, bot, true)
	waitUntil(t, "both to be welcomed", func() bool { return stands(bot.Chat(rider), "/stop") && stands(group.Messages(), "kontis_nbg_bot") })

	waitUntil(t, "the program", func() bool {
		return strings.Contains(a.figures(), `ticketfrei_program_processes{network="timetable",state="running"} 1`)
	})
	rider.Write(bot, "/fahrplan U1")
	rider.Write(bot, "/fahrpaln U1")
	group.Write(rider, "/fahrplan@kontis_nbg_bot U1")
	group.Write(rider, "/fahrplan@other_bot")
	account.Mention("rider@elsewhere.example", "/fahrplan U1", "direct")
	toots := func(text string) func() bool {
		return func() bool {
			for said := range texts(account.Statuses()) {
				if strings.Contains(said, text) {
					return true
				}
			}
			return false
		}
	}
	waitUntil(t, "the answer on Telegram", func() bool { return stands(bot.Chat(rider), "U1 in 5 minutes") })
	waitUntil(t, "the nearest word", func() bool { return stands(bot.Chat(rider), "Meintest du /fahrplan?") })
	waitUntil(t, "the answer in the group", func() bool { return stands(group.Messages(), "U1 in 5 minutes") })
	waitUntil(t, "the answer on Mastodon", toots("U1 in 5 minutes"))
	b := a.browser()
	if got := b.reads(b.post("/city/nuernberg/web/report", url.Values{"text": {"/fahrplan"}}, http.StatusOK), "said"); got != "which line?" {
		t.Errorf("the page says %q", got)
	}
	began := time.Now()
	if got := b.reads(b.post("/city/nuernberg/web/report", url.Values{"text": {"/fahrplan nothing"}}, http.StatusOK), "said"); got != "Done. There is no answer to it." {
		t.Errorf("the page says %q", got)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("nothing was waited for, for %s", took)
	}
	if list := a.passed(city); len(list) != 0 || stands(group.Messages(), "which line?") {
		t.Errorf("commands are reports: %q, or answered for another bot", list)
	}

	if err := a.server.cities.SaveTasks(t.Context(), city.ID, manage.Tasks{"timetable"}, ""); err != nil {
		t.Fatal(err)
	}
	rider.Write(bot, "U1 Plärrer")
	waitUntil(t, "the program's word to the rider", func() bool { return stands(bot.Chat(rider), "a bus goes instead") })
	a.reportHere(city, "U2 Werbung")
	a.settled()
	if list := a.passed(city); !slices.Equal(list, []string{"U1 Plärrer"}) {
		t.Errorf("passed: %q", list)
	}
	page := moderator.get("/settings/reports", http.StatusOK) + moderator.get("/settings/reports?show=refused", http.StatusOK)
	for _, want := range []string{"minutes: 5", "looks like advertising"} {
		if !strings.Contains(page, want) {
			t.Errorf("the moderators do not read %q", want)
		}
	}
}
