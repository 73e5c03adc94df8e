package stream

import (
	"bytes"
	"context"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/stream/standin"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/supervisor"
)

// works is a city whose streams are at work as in the program.
type works struct {
	*street
	supervisor *supervisor.Supervisor
	gathers    atomic.Int32  // how often it was begun to gather what has stopped
	gathered   chan struct{} // has it end
	stop       func()
}

func newWorks(t *testing.T) *works {
	w := &works{street: newStreet(t), gathered: make(chan struct{}, 9)}
	w.network.gather = func(ctx context.Context, _ time.Duration) error {
		w.gathers.Add(1)
		select {
		case <-w.gathered:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return w
}

// begin starts the program, as it were.
func (w *works) begin() {
	w.supervisor = supervisor.New(supervisor.Options{DB: w.DB, Networks: map[string]bots.Network{Name: w.network}, Notices: w.Notices,
		Hearer: w.Inbox, Bus: w.Bus, Texts: w.Texts, Expire: 2 * time.Hour, Log: w.Log, Now: w.Now, Metrics: prometheus.NewRegistry()})
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- w.supervisor.Run(ctx) }()
	over := false
	w.stop = func() {
		if cancel(); !over {
			over = true
			must(w.t, <-ended)
		}
	}
	w.t.Cleanup(func() { w.stop() })
}

// pass sends a report to all streams that want it, as the relay does.
func (w *works) pass(text string) {
	w.t.Helper()
	b, r := w.Bots(w.city)[0], w.on(text, onU1)
	ids, err := w.network.Recipients(w.t.Context(), b, r)
	must(w.t, err)
	passed := report.Verdict{Passed: true, Reason: report.ReasonTrigger}
	w.supervisor.Send(dbtest.MustJudge(w.t, w.DB, dbtest.MustHear(w.t, w.DB, r), passed, dbtest.NoBrake{}, db.Audience{BotID: b.ID, Recipients: ids}).Fanouts)
}

// until waits until something is so.
func (w *works) until(what string, ok func() bool) {
	w.t.Helper()
	late := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-late:
			w.t.Fatalf("waited in vain for: %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// shown waits until the bot is in that state.
func (w *works) shown(state report.BotState) report.Bot {
	w.t.Helper()
	w.until("state "+string(state), func() bool { return w.Bots(w.city)[0].State == state })
	return w.Bots(w.city)[0]
}

// stopped waits until all of these have stopped.
func (w *works) stopped(names string) {
	w.t.Helper()
	w.until(names, func() bool { return strings.Contains(w.Bots(w.city)[0].LastError, names) })
}

// TestModeratorsAreToldWhatHasStopped has two streams and a feed stop at the same moment: the
// moderators get one mail, the settings show it, and nobody is told once more after a restart.
func TestModeratorsAreToldWhatHasStopped(t *testing.T) {
	w := newWorks(t)
	gone := newOperator(t)
	gone.says(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusGone) })
	w.put(to("a", w.targets.Slack()))
	w.put(to("b", w.targets.Discord()))
	w.put(to("well", w.targets.Hook()))
	w.begin()
	w.shown(report.BotRunning)
	w.targets.Fail(standin.SlackPath, -1, kit.Status(410, "no_service"))
	w.targets.Fail(standin.DiscordPath, -1, kit.Status(401, "{}"))
	w.let(Trigger{Name: "vag", Preset: PresetFeed, Running: true, URL: gone.URL + "/feed"})
	w.pass("U1")
	w.stopped("a, b, vag")
	if mails := w.Mails.All(); len(mails) != 0 {
		t.Fatalf("mailed %v while more may stop", mails)
	}
	w.gathered <- struct{}{}
	w.until("a mail", func() bool { return len(w.Mails.All()) > 0 })
	got := w.mail(0)
	if want := w.german("stream.stopped.subject", "Count", 3); got.subject != want || got.to != "moderator@nuernberg.example" {
		t.Errorf("mailed %q to %s", got.subject, got.to)
	}
	for _, says := range []string{"Stream a: ", "(HTTP 410)", "Stream b: ", "(HTTP 401)", "Eingang vag: ", w.city.Name, "http://tickets.example/settings/networks#network-stream"} {
		if !strings.Contains(got.text, says) {
			t.Errorf("the mail does not say %q: %s", says, got.text)
		}
	}
	if strings.Contains(got.text, w.targets.Slack()) {
		t.Error("the mail has a secret")
	}
	w.Moderator(w.city).Get("/settings/networks", http.StatusOK).Shows("In trouble", w.network.english("stream.state_hint.trouble"), "a, b, vag")
	w.until("the note", func() bool { return len(w.untold()) == 0 })
	w.again(t)
}

// letter is a mail to a moderator.
type letter struct{ to, subject, text string }

// mail is one of the mails to moderators.
func (w *works) mail(i int) letter {
	w.t.Helper()
	raw := w.Mails.All()[i]
	m, err := mail.ReadMessage(bytes.NewReader(raw.Data))
	must(w.t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	must(w.t, err)
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	must(w.t, err)
	return letter{raw.To, subject, string(text)}
}

// untold are those of which moderators are not told yet.
func (w *works) untold() []string {
	w.t.Helper()
	open, err := w.Open(w.Bots(w.city)[0])
	must(w.t, err)
	s, err := open.(*bot).mind(w.t.Context())
	must(w.t, err)
	return s.names()
}

// said is how often the bot has said that something has stopped.
func (w *works) said() int { return strings.Count(w.Lines.String(), `msg="It runs, but: `) }

// again starts the program once more, mends a stream and has it stop again.
func (w *works) again(t *testing.T) {
	w.stop()
	gathers, said := w.gathers.Load(), w.said()
	w.begin()
	w.until("a start", func() bool { return w.said() > said })
	w.targets.Mend()
	for _, name := range []string{"a", "b"} {
		_, err := w.streams().Change(t.Context(), w.city.ID, name, Any, func(s *Stream) error { s.Running = true; return nil })
		must(t, err)
	}
	must(t, w.triggers().Delete(t.Context(), w.city.ID, "vag", Any))
	w.shown(report.BotRunning)
	if n := len(w.Mails.All()); n != 1 || w.gathers.Load() != gathers {
		t.Errorf("%d mails, gathered %d times", n, w.gathers.Load()-gathers)
	}
	w.targets.Fail(standin.SlackPath, -1, kit.Status(403, "x"))
	w.pass("U1 wieder")
	w.stopped("a hat")
	w.gathered <- struct{}{}
	w.until("another mail", func() bool { return len(w.Mails.All()) == 2 })
	if got := w.mail(1); !strings.Contains(got.text, "(HTTP 403)") || strings.Contains(got.text, "Stream b") {
		t.Errorf("mailed %s", got.text)
	}
}

// TestModeratorsAreToldOfAFilter has the line of a filter go: its stream stops, and says so.
func TestModeratorsAreToldOfAFilter(t *testing.T) {
	w := newWorks(t)
	two := to("two", w.targets.Hook())
	two.Include = map[string][]string{"line": {"U2"}}
	w.put(two)
	w.begin()
	w.shown(report.BotRunning)
	w.places("U1: Langwasser, Plärrer, Fürth")
	w.pass("U1")
	w.stopped("two hat")
	w.gathered <- struct{}{}
	w.until("a mail", func() bool { return len(w.Mails.All()) == 1 })
	if got := w.mail(0); !strings.Contains(got.text, "Stream two: "+w.german("stream.paused.filter", "Why", "")) {
		t.Errorf("mailed %s", got.text)
	}
	if got := w.got(standin.HookPath); len(got) != 0 {
		t.Errorf("told %s", got[0].Body)
	}
}
