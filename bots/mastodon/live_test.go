package mastodon

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/config"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// standing is a bot that notes how it says it stands.
type standing struct {
	bots.Bot
	w *world

	mu   sync.Mutex
	last error
	told int
}

func (s *standing) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	return s.Bot.Receive(bots.WithStanding(ctx, func(limit error) {
		s.mu.Lock()
		s.last, s.told = limit, s.told+1
		s.mu.Unlock()
		s.w.server.Happened()
	}), emit)
}

// words are what the moderators read; empty where it works with all it can, "-" where
// nothing was said yet.
func (s *standing) words() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.told == 0:
		return "-"
	case s.last == nil:
		return ""
	}
	return s.w.words(s.last)
}

// hasten makes everything that is waited for short.
func (w *world) hasten() {
	t := &w.driver.timings
	t.poll, t.retry, t.better = 30*time.Millisecond, 10*time.Millisecond, 60*time.Millisecond
}

// stand makes the bot at work, and what it says of itself.
func (w *world) stand() (*standing, *kittest.Inbox) {
	w.t.Helper()
	return w.standAs(w.connect())
}

func (w *world) standAs(row report.Bot) (*standing, *kittest.Inbox) {
	w.t.Helper()
	b, in := w.load(row), kittest.NewInbox()
	check(w.t, b.Check(w.ctx))
	s := &standing{Bot: b, w: w}
	kittest.Receive(w.t, s, in)
	return s, in
}

func TestWithoutStreamTheAccountPolls(t *testing.T) {
	t.Parallel()
	const (
		none   = "Dieser Server bietet keine Live-Verbindung an. Neue Nachrichten werden zweimal in der Minute abgeholt; du musst nichts tun."
		polls  = "zweimal in der Minute abgeholt; du musst nichts tun."
		broken = polls + " 127.0.0.1:PORT hat gerade Schwierigkeiten."
		again  = "Wenn du das Konto noch einmal verbindest"
	)
	for name, c := range map[string]struct {
		fault fault.Fault
		says  string
	}{
		"404":                {fault.Status(http.StatusNotFound, `{"error":"Not found"}`), none},
		"404 of a proxy":     {fault.HTML(http.StatusNotFound), none},
		"403 of a firewall":  {fault.HTML(http.StatusForbidden), polls},
		"200 and no stream":  {fault.HTML(http.StatusOK), polls},
		"503":                {fault.HTML(http.StatusServiceUnavailable), broken},
		"501":                {fault.Status(http.StatusNotImplemented, `{"error":"Not implemented"}`), none},
		"405":                {fault.HTML(http.StatusMethodNotAllowed), none},
		"504":                {fault.Status(http.StatusGatewayTimeout, `{"error":"Timeout"}`), broken},
		"410":                {fault.Status(http.StatusGone, `{"error":"Gone"}`), none},
		"too many":           {fault.Limited(60, `{"error":"Too many requests"}`), "bittet um eine Pause"},
		"cut":                {fault.Cut(), polls + " "},
		"401":                {fault.Status(http.StatusUnauthorized, `{"error":"Unauthorized"}`), again},
		"403":                {fault.Status(http.StatusForbidden, `{"error":"Forbidden: token has insufficient scope permission"}`), again},
		"401 for its scopes": {fault.Status(http.StatusUnauthorized, `{"error":"Access token does not cover required scopes"}`), again},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.Options{})
			w.hasten()
			w.server.Fail(streamPath, -1, c.fault)
			s, in := w.stand()
			w.account.Mention("rider@example.org", "one", "public")
			in.Wait(t, 1)
			w.account.Mention("rider@example.org", "two", "public")
			in.Wait(t, 2)
			says := strings.ReplaceAll(c.says, "127.0.0.1:PORT", hostOf(w.server.URL))
			w.until("say that it polls", func() bool {
				return strings.Contains(s.words(), says) && strings.Contains(s.words(), "Live-Verbindung")
			})
			if c.says == polls && !strings.HasSuffix(s.words(), polls) {
				t.Errorf("gives a reason that is none: %s", s.words())
			}
			if strings.Contains(s.words(), w.account.Token()) {
				t.Errorf("shows the token: %s", s.words())
			}
			w.server.Mend()
			w.streaming()
			w.until("say that all is well", func() bool { return s.words() == "" })
			w.account.Mention("rider@example.org", "three", "public")
			in.Wait(t, 3)
			in.WantOnce(t)
		})
	}
}

// One stream that breaks at once could be chance; all of them are no stream.
func TestStreamsThatBreakAtOnceArePolled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.hasten()
	w.driver.timings.shortest = time.Hour
	s, in := w.stand()
	w.until("say that it polls", func() bool {
		w.server.DropStreams()
		return strings.Contains(s.words(), "bricht immer wieder ab")
	})
	w.account.Mention("rider@example.org", "one", "public")
	in.Wait(t, 1)
}

// A stream that opens and never says anything is none: something between holds it back.
func TestStreamsThatSayNothingArePolled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{Heartbeat: -1})
	w.hasten()
	w.driver.timings.silence = 50 * time.Millisecond
	s, in := w.stand()
	w.until("say that it polls", func() bool {
		w.server.SilenceStreams()
		return strings.Contains(s.words(), "keine Live-Verbindung")
	})
	w.account.Mention("rider@example.org", "one", "public")
	in.Wait(t, 1)
}

// While a stream is tried that hangs, as behind a firewall, mentions come in time.
func TestHangingStreamDelaysNothing(t *testing.T) {
	t.Parallel()
	d := newDriver(bots.Host{Notices: &notice.Board{}})
	if d.timings.dial+d.timings.poll/4 > d.timings.poll {
		t.Errorf("trying takes %s, polls are %s apart", d.timings.dial, d.timings.poll)
	}
	w := newWorld(t, standin.Options{})
	short := &w.driver.timings
	short.poll, short.retry, short.dial = 600*time.Millisecond, 600*time.Millisecond, 50*time.Millisecond
	w.server.Fail(streamPath, -1, fault.Hang())
	w.stand()
	pages, page := 0, time.Now()
	w.until("try another stream", func() bool {
		if n := w.asked(pagePath); n > pages {
			pages, page = n, time.Now()
		}
		return w.asked(streamPath) > 1
	})
	if took := time.Since(page); pages < 2 || took > 200*time.Millisecond {
		t.Errorf("another stream was tried %s after the last of %d pages", took, pages)
	}
}

func TestPollingAsksTwoOrThreeTimesAMinute(t *testing.T) {
	t.Parallel()
	d := newDriver(bots.Host{Notices: &notice.Board{}})
	for range 1000 {
		if got := between(d.timings.poll); got < 20*time.Second || got > 30*time.Second {
			t.Fatalf("polls after %s", got)
		}
	}
	if d.timings.better > 10*time.Minute {
		t.Errorf("a better way is tried after %s", d.timings.better)
	}
}

func TestTokenRefusedWhilePolling(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.hasten()
	w.server.Fail(streamPath, -1, fault.HTML(http.StatusNotFound))
	in := kittest.NewInbox()
	run := kittest.Receive(t, w.load(w.connect()), in)
	w.account.Mention("rider@example.org", "one", "public")
	in.Wait(t, 1)
	w.account.RevokeTokens()
	kittest.WantKind(t, run.Ended(), bots.KindRefused)
}

func TestServerInTroubleWhilePollingIsTemporary(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.hasten()
	w.server.Fail(streamPath, -1, fault.HTML(http.StatusNotFound))
	in := kittest.NewInbox()
	run := kittest.Receive(t, w.load(w.connect()), in)
	w.account.Mention("rider@example.org", "one", "public")
	in.Wait(t, 1)
	w.server.Fail(pagePath, -1, fault.HTML(http.StatusForbidden))
	kittest.WantKind(t, run.Ended(), bots.KindTemporary)
}

func TestModePollOpensNoStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{})
	w.hasten()
	w.driver.mode = modePoll
	s, in := w.stand()
	for _, text := range []string{"one", "two", "three"} {
		w.account.Mention("rider@example.org", text, "direct")
		in.WaitFor(t, text)
	}
	in.WantOnce(t)
	w.until("say that all is well", func() bool { return s.words() == "" })
	if n := w.asked(streamPath); n > 0 {
		t.Errorf("%d streams were opened", n)
	}
}

func TestModeIsChecked(t *testing.T) {
	t.Parallel()
	load := func(mode, url string, private bool) (warnings, wrong string, works mode) {
		d := Definition()
		cfg, err := config.Load(config.Source{Defaults: must(os.ReadFile("../../config.toml"))(t), Sections: []*config.Section{d.Settings},
			Env: []string{"TICKETFREI_MASTODON_MODE=" + mode, "TICKETFREI_WEB_URL=" + url, "TICKETFREI_NETWORK_ALLOW_PRIVATE=" + strconv.FormatBool(private)}})
		if err != nil {
			return "", err.Error(), ""
		}
		for _, w := range cfg.Warnings {
			warnings += w.Error() + "\n"
		}
		return warnings, "", d.Settings.Target.(*options).works(cfg)
	}
	for _, m := range []string{"", "websocket", "Push"} {
		if _, wrong, _ := load(m, "https://tickets.example", false); !strings.Contains(wrong, "TICKETFREI_MASTODON_MODE: mastodon.mode") || !strings.Contains(wrong, "write one of stream, poll, push") {
			t.Errorf("mode %q: %s", m, wrong)
		}
	}
	for _, c := range []struct {
		mode, url string
		private   bool
		works     mode
		warns     bool
	}{
		{"push", "https://tickets.example", false, modePush, false},
		{"push", "https://localhost", false, modeStream, true},
		{"push", "https://localhost", true, modePush, false},
		{"push", "http://tickets.example", false, modeStream, true},
		{"push", "http://tickets.example", true, modePush, false},
		{"poll", "http://tickets.example", false, modePoll, false},
		{"stream", "http://tickets.example", false, modeStream, false},
	} {
		warnings, wrong, works := load(c.mode, c.url, c.private)
		if wrong != "" || works != c.works || strings.Contains(warnings, "mastodon.mode") != c.warns {
			t.Errorf("%+v: works as %q, warns %q, wrong %q", c, works, warnings, wrong)
		}
	}
}

// GoToSocial checks scopes, and opens its stream to those who may read everything.
func TestLoginOnGoToSocialStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.Options{Version: "0.19.1 git-58b3d5f", Source: "https://codeberg.org/superseriousbusiness/gotosocial", WholeRead: true})
	w.hasten()
	s, in := w.standByOAuth()
	w.streaming()
	w.account.Mention("rider@example.org", "one", "direct")
	in.Wait(t, 1)
	if s.words() != "" {
		t.Errorf("says %q", s.words())
	}
}
