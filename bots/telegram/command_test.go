package telegram

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

func TestSubscribing(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "de"} {
		t.Run(language, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			row := w.connect()
			say := func(id string, data ...any) string { return w.site.Texts.T(language, id, data...) }
			kittest.Receive(t, w.load(row), kittest.NewInbox())
			rider := w.server.AddUser("Rider", language)

			rider.Write(w.account, "/start")
			if got, want := w.answer(rider, 1), say("kit.chat.welcome", "City", "nuernberg")+"\n\n"+say("kit.chat.stored"); got != want {
				t.Errorf("welcome %q, want %q", got, want)
			}
			w.wantChats(row, rider.ID())
			rider.Write(w.account, "/start@Nuernberg_bot from-a-poster")
			if got := w.answer(rider, 2); got != say("kit.chat.again") {
				t.Errorf("second start: %q", got)
			}
			w.wantChats(row, rider.ID())
			rider.Write(w.account, "/STOP")
			if got := w.answer(rider, 3); got != say("kit.chat.stopped") {
				t.Errorf("stop: %q", got)
			}
			w.wantChats(row)
			rider.Write(w.account, "/stop")
			if got := w.answer(rider, 4); got != say("kit.chat.not_subscribed") {
				t.Errorf("second stop: %q", got)
			}
			rider.Write(w.account, "/help")
			if got := w.answer(rider, 5); got != say("kit.chat.help", "City", "nuernberg")+"\n\n"+say("kit.chat.help_ask") {
				t.Errorf("help: %q", got)
			}
			rider.Write(w.account, "/dance")
			if got := w.answer(rider, 6); !strings.HasPrefix(got, say("kit.chat.unknown_command")) {
				t.Errorf("unknown command: %q", got)
			}
		})
	}
}

func TestLanguageOfAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	kittest.Receive(t, w.load(w.connect()), kittest.NewInbox()) // the city's language is English
	for code, want := range map[string]string{"de-AT": "de", "fr": "fr", "ar": "ar", "pt-br": "en", "": "en", "!": "en"} {
		t.Run("code "+code, func(t *testing.T) {
			rider := w.server.AddUser("Rider", code)
			rider.Write(w.account, "/stop")
			if got := w.answer(rider, 1); got != w.site.Texts.T(want, "kit.chat.not_subscribed") {
				t.Errorf("answer %q", got)
			}
		})
	}
}

func TestWelcomeOfTheModerators(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	if status := w.post("/welcome", url.Values{"welcome": {"Moin!"}}); status != http.StatusSeeOther {
		t.Fatalf("answered %d", status)
	}
	kittest.Receive(t, w.load(row), kittest.NewInbox())
	rider := w.server.AddUser("Rider", "en")
	rider.Write(w.account, "/start")
	if got := w.answer(rider, 1); got != "Moin!\n\n"+w.text("kit.chat.stored") {
		t.Errorf("welcome %q: what is stored is always said", got)
	}
}

func TestPingTellsTheLag(t *testing.T) {
	t.Parallel()
	behind := func() time.Time { return time.Now().Add(-90 * time.Second) }
	w := newWorld(t, standin.Options{Now: behind})
	kittest.Receive(t, w.load(w.connect()), kittest.NewInbox())
	rider := w.server.AddUser("Rider", "en")
	rider.Write(w.account, "/ping")
	lag, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(w.answer(rider, 1)))
	if err != nil || lag < 90_000 || lag > 92_000+int(kittest.Patience.Milliseconds()) {
		t.Errorf("answer %q", w.answer(rider, 1))
	}
}

func TestLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	kittest.Receive(t, w.load(row), kittest.NewInbox())
	rider := w.server.AddUser("Rider", "en")
	rider.Write(w.account, "/last")
	if got := w.answer(rider, 1); got != w.text("kit.chat.last.none") {
		t.Errorf("without reports: %q", got)
	}
	save := func(id, text string, ago time.Duration, passed bool) {
		r := report.Report{ID: id, CityID: w.city.ID, BotID: row.ID, Network: "mail", NetworkID: id, Text: text, Time: w.clock.Now().Add(-ago)}
		dbtest.MustSaveReport(t, w.db, r, report.Verdict{Passed: passed})
	}
	save("1", "too old", 61*time.Minute, true)
	save("2", "U1 Plärrer", 30*time.Minute, true)
	save("3", "refused", 20*time.Minute, false)
	save("4", "U2 Rathenauplatz", 2*time.Minute, true)
	save("7", "U2 Thon", 0, true)
	save("6", "U3\nThon", 0, true) // of the same second, and later
	rider.Write(w.account, "/last")
	want := w.text("kit.chat.last.title") + "\nJust now: U3 Thon\nJust now: U2 Thon\n2 min ago: U2 Rathenauplatz\n30 min ago: U1 Plärrer"
	if got := w.answer(rider, 2); got != want {
		t.Errorf("last: %q, want %q", got, want)
	}
	save("5", strings.Repeat("sehr lange ", 450), time.Minute, true)
	rider.Write(w.account, "/last")
	if got := w.answer(rider, 3); !strings.HasSuffix(got, "…") {
		t.Errorf("more than fits: %q", got)
	}
}

func TestBlockingUnsubscribes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	row := w.connect()
	rider := subscribed(w, row)
	other := subscribed(w, row)
	kittest.Receive(t, w.load(row), kittest.NewInbox())
	rider.Block(w.account)
	w.handled()
	w.wantChats(row, other.ID())
}

// TestNobodyMakesTheBotTalkWithoutEnd sends many commands at once: what is
// answered is bounded, and a report that comes after them does not wait.
func TestNobodyMakesTheBotTalkWithoutEnd(t *testing.T) {
	t.Parallel()
	w := newPacedWorld(t, standin.Options{}, network(&options{}).Pace)
	rider, other := w.server.AddUser("Rider", "en"), w.server.AddUser("Other", "en")
	for range 90 {
		rider.Write(w.account, "/ping")
	}
	other.Write(w.account, "U1 Plärrer")
	in := kittest.NewInbox()
	began := time.Now()
	run := kittest.Receive(t, w.load(w.connect()), in)
	in.Wait(t, 1)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the report came after %s", took)
	}
	w.handled()
	run.Stop()
	if n := w.account.Sent(); n > 5 {
		t.Errorf("%d answers were sent", n)
	}
}
