package app

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
	"ticketfrei/manage"
)

// command runs a command beside a server, with its settings.
func (a *app) command(code int, args ...string) (stdout string) {
	a.Helper()
	a.setEnvironment()
	var out, errs bytes.Buffer
	if got := runCommand(a.Context(), a.T, &out, &errs, args...); got != code {
		a.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, out.String(), errs.String())
	}
	if code != exitOK {
		return out.String() + errs.String()
	}
	return out.String()
}

// setEnvironment gives commands the settings of the server.
func (a *app) setEnvironment() {
	a.Helper()
	cfg := a.server.cfg
	for name, value := range map[string]string{"DATA": cfg.Data, "MAIL_DOMAIN": cfg.Mail.Domain, "MAIL_RELAY": cfg.Mail.Relay, "MAIL_FROM": cfg.Mail.From,
		"WEB_URL": cfg.Web.URL, "WEB_LISTEN": cfg.Web.Listen} {
		a.Setenv("TICKETFREI_"+name, value)
	}
}

// printed reads what a command has printed with --json.
func printed[T any](a *app, code int, args ...string) (value T) {
	a.Helper()
	text := a.command(code, append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		a.Fatalf("%v printed %s: %v", args, text, err)
	}
	return value
}

// TestBotsAreSwitchedBesideTheServer lists bots, and switches one off and on.
func TestBotsAreSwitchedBesideTheServer(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("gotham", "*", "")
	a.addCity("metropolis", "*", "")
	a.subscribe(box, "gotham", "rider@x.example")
	running := func(state report.BotState) func() bool {
		return func() bool {
			list := printed[[]listedBot](a, 0, "bot", "list", "--city", "gotham", "--network", "mail")
			return len(list) == 1 && list[0].State == state
		}
	}
	waitUntil(t, "the bot to run", running(report.BotRunning))
	if all := printed[[]listedBot](a, 0, "bot", "list", "--network", "mail"); len(all) != 2 {
		t.Errorf("of all cities: %+v", all)
	}
	id := strconv.FormatInt(printed[[]listedBot](a, 0, "bot", "list", "--city", "gotham", "--network", "mail")[0].ID, 10)
	a.command(1, "bot", "list", "--city", "nowhere")
	a.command(1, "bot", "disable", "9999")
	a.command(2, "bot", "list", "--state", "odd")
	if off := printed[switchedBot](a, 0, "bot", "disable", id); off.City != "gotham" || off.Network != "mail" || off.Enabled {
		t.Errorf("switched off is %+v", off)
	}
	waitUntil(t, "the server to have it off", func() bool {
		return a.send("one@x.example", "gotham@tickets.example", "off@x.example", "", "Kontis am Plärrer") != nil
	})
	if !running(report.BotOff)() {
		t.Error("it is not shown as off")
	}
	a.command(0, "bot", "enable", id)
	waitUntil(t, "the server to have it on", func() bool {
		return a.send("one@x.example", "gotham@tickets.example", "on@x.example", "", "Kontis am Opernhaus") == nil
	})
	box.waitFor(t, "rider@x.example", "Opernhaus")
}

// TestWhatWaitsIsSeenAndDropped has the relay take nothing: what waits is listed, the status
// says so, and what is thrown away reaches nobody when the relay is back.
func TestWhatWaitsIsSeenAndDropped(t *testing.T) {
	slow.Test(t, "waits for a server that sees what commands did")
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("gotham", "*", "")
	a.subscribe(box, "gotham", "rider@x.example")
	waitUntil(t, "all to be well", func() bool {
		a.setEnvironment()
		return runCommand(t.Context(), t, &bytes.Buffer{}, &bytes.Buffer{}, "status") == exitOK
	})
	if is := a.command(0, "status"); !strings.Contains(is, "All is well.") || !strings.Contains(is, "1 on") || !strings.Contains(is, "running") || !strings.Contains(is, "a proxy in front has them") {
		t.Errorf("the status is\n%s", is)
	}
	box.Greet("421 4.3.2 closed for today")
	a.mustSend("one@x.example", "gotham@tickets.example", "lost@x.example", "", "Kontis am Plärrer")
	var q listedQueue
	waitUntil(t, "a report to wait", func() bool {
		q = printed[listedQueue](a, 0, "queue", "list")
		return len(q.Bots) == 1
	})
	if b := q.Bots[0]; b.City != "gotham" || b.Network != "mail" || b.Reports != 1 || b.Deliveries != 1 || q.Deliveries.Count != 1 || q.Deliveries.Oldest == nil {
		t.Errorf("waiting is %+v", q)
	}
	waitUntil(t, "the status to say that no mail leaves", func() bool {
		var is listedStatus
		a.setEnvironment()
		var out bytes.Buffer
		code := runCommand(t.Context(), t, &out, &bytes.Buffer{}, "status", "--json")
		return json.Unmarshal(out.Bytes(), &is) == nil && code == exitError && !is.OK && is.Reachable && len(is.Mail) == 1 && is.Mail[0].All &&
			strings.Contains(strings.Join(is.Problems, " "), "No mail leaves since")
	})
	a.command(2, "queue", "drop")
	if said := a.command(1, "queue", "drop", "--city", "gotham"); !strings.Contains(said, "--yes") {
		t.Errorf("without a terminal: %s", said)
	}
	a.command(0, "queue", "drop", "--older-than", "1h", "--yes")
	a.command(0, "queue", "drop", "--city", "gotham", "--yes")
	waitUntil(t, "nothing to wait", func() bool { return len(printed[listedQueue](a, 0, "queue", "list").Bots) == 0 })
	box.Greet("")
	a.command(0, "queue", "retry")
	a.mustSend("two@x.example", "gotham@tickets.example", "found@x.example", "", "Kontis am Opernhaus")
	box.waitFor(t, "rider@x.example", "Opernhaus")
	if late := box.to(t, "rider@x.example", "Plärrer"); len(late) != 0 {
		t.Errorf("what was thrown away came: %v", late)
	}
	acts, err := a.server.db.CityActs(t.Context(), printedCity(a, "gotham").ID, 0, 100)
	if err != nil || len(acts) == 0 || acts[0].Who != manage.Operator().Name || acts[0].Act != "queue.dropped" {
		t.Errorf("what was done is %+v, %v", acts, err)
	}
}

func printedCity(a *app, slug string) report.City {
	a.Helper()
	c, err := a.server.cities.Find(a.Context(), slug)
	if err != nil {
		a.Fatal(err)
	}
	return c
}

// TestSubscribersAreListedWithoutTheirAddresses suspends one and has them be sent to again.
func TestSubscribersAreListedWithoutTheirAddresses(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("gotham", "*", "")
	a.subscribe(box, "gotham", "rider@x.example", "other@x.example")
	text := a.command(0, "subscriber", "list", "--city", "gotham")
	if strings.Contains(text, "rider@") || !strings.Contains(text, "r…@x.example") {
		t.Errorf("listed is\n%s", text)
	}
	if text := a.command(0, "subscriber", "list", "--city", "gotham", "--full"); !strings.Contains(text, "rider@x.example") {
		t.Errorf("in full\n%s", text)
	}
	first := printed[[]listedSubscriber](a, 0, "subscriber", "list", "--city", "gotham")[0]
	err := a.server.db.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE mail_recipients SET suspended = 1, reason = 'mailbox gone' WHERE id = ?", first.ID).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := printed[[]listedSubscriber](a, 0, "subscriber", "list", "--city", "gotham", "--suspended"); len(list) != 1 || list[0].ID != first.ID || list[0].Reason != "mailbox gone" {
		t.Errorf("suspended are %+v", list)
	}
	bot, id := strconv.FormatInt(first.Bot, 10), strconv.FormatInt(first.ID, 10)
	a.command(0, "subscriber", "resume", bot, id)
	a.command(1, "subscriber", "resume", bot, id)
	a.mustSend("one@x.example", "gotham@tickets.example", "first@x.example", "", "Kontis am Plärrer")
	box.waitFor(t, "rider@x.example", "Plärrer")
}

// writeLog has a bot log a line.
func (a *app) writeLog(bot int64, level, text string) {
	a.Helper()
	if err := a.server.db.AddLog(a.Context(), bot, db.LogLine{At: time.Now(), Level: level, Text: text}); err != nil {
		a.Fatal(err)
	}
}

// TestLogsAreMerged prints what bots have logged, and follows what they log.
func TestLogsAreMerged(t *testing.T) {
	slow.Test(t, "waits for lines that a server stores in its own time")
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	bot := func(slug string) int64 {
		a.addCity(slug, "*", "")
		return printed[[]listedBot](a, 0, "bot", "list", "--city", slug, "--network", "mail")[0].ID
	}
	gotham, metropolis := bot("gotham"), bot("metropolis")
	var nothing bytes.Buffer
	a.setEnvironment()
	if code := runCommand(a.Context(), t, &nothing, &nothing, "logs", "--level", "error"); code != exitOK || !strings.Contains(nothing.String(), "no bot has logged") {
		t.Errorf("where nothing was logged it says %q, and ends with %d", nothing.String(), code)
	}
	a.writeLog(gotham, "WARN", "first")
	a.writeLog(metropolis, "ERROR", "second")
	a.writeLog(gotham, "INFO", "third")
	text := a.command(0, "logs")
	if i, j, k := strings.Index(text, "first"), strings.Index(text, "second"), strings.Index(text, "third"); i < 0 || j < i || k < j {
		t.Errorf("not by time:\n%s", text)
	}
	for args, want := range map[string]string{"--city gotham": "first third", "--level warn": "first second", "--level error": "second", "--network web": "", "-n 1": "third"} {
		text := a.command(0, append([]string{"logs"}, strings.Fields(args)...)...)
		var got []string
		for _, word := range []string{"first", "second", "third"} {
			if strings.Contains(text, word) {
				got = append(got, word)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	followed, ended := &logbook{}, make(chan int)
	go func() {
		ended <- runCommand(ctx, t, followed, followed, "logs", "-f", "--json", "--city", "metropolis")
	}()
	end := sync.OnceFunc(func() {
		stop()
		if code := <-ended; code != exitOK {
			t.Errorf("logs -f ends with %d\n%s", code, followed.String())
		}
	})
	defer end()
	waitUntil(t, "what there is", func() bool { return strings.Contains(followed.String(), "second") })
	a.writeLog(metropolis, "WARN", "fourth")
	waitUntil(t, "what is new", func() bool { return strings.Contains(followed.String(), `"text":"fourth"`) })
	end()
	if n := strings.Count(followed.String(), "second"); n != 1 {
		t.Errorf("a line is there %d times\n%s", n, followed.String())
	}
}

// TestMailTest sends one mail that the relay takes, and one that it refuses.
func TestMailTest(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	if said := a.command(0, "mail-test", "operator@x.example"); !strings.Contains(said, "has taken the mail") {
		t.Errorf("it says %s", said)
	}
	l := box.waitFor(t, "operator@x.example", "mail-test")
	if l.Header.Get("DKIM-Signature") == "" {
		t.Error("it is not signed as the server's are")
	}
	box.Greet("554 5.7.1 your address is on a list")
	if said := a.command(1, "mail-test", "operator@x.example"); !strings.Contains(said, "your address is on a list") || !strings.Contains(said, "5.7.1") {
		t.Errorf("it says %s", said)
	}
	if r := printed[sentMail](a, 1, "mail-test", "operator@x.example"); r.Sent || r.Says == "" {
		t.Errorf("for scripts %+v", r)
	}
}
