package mastodon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	fault "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/mastodon/standin"
	"ticketfrei/internal/report"
)

// callable is a world in mode push, with a site that the instance can call.
func callable(t *testing.T, o standin.Options) *world {
	t.Helper()
	w := newWorld(t, o)
	r := chi.NewRouter()
	site := httptest.NewServer(r)
	t.Cleanup(site.Close)
	w.host.Config.Web.URL = site.URL
	w.open()
	r.Route(bots.HookPath(name), w.network.(bots.Hooked).HookRoutes)
	w.hasten()
	w.driver.mode = modePush
	return w
}

// called makes the bot at work, and waits until it is called.
func (w *world) called() (*standing, *kittest.Inbox) {
	w.t.Helper()
	s, in := w.stand()
	w.until("be called", func() bool { return s.words() == "" && w.account.Endpoint() != "" })
	return s, in
}

func (w *world) subscribed() {
	w.until("subscribe", func() bool { return w.account.Endpoint() != "" })
}

func TestCallsBringMentions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]standin.Options{"as RFC 8291 has it": {}, "in the draft's form": {DraftPush: true}} {
		t.Run(name, func(t *testing.T) {
			w := callable(t, o)
			w.account.Mention("rider@example.org", "old", "public")
			row := w.connect()
			w.account.Mention("rider@example.org", "missed", "public")
			s, in := w.standAs(row)
			in.WaitFor(t, "missed")
			w.subscribed()
			for i := range 25 {
				w.account.Mention("rider@example.org", fmt.Sprint("U1 ", i), "direct")
			}
			in.Wait(t, 26)
			in.WantOnce(t)
			w.until("take the calls", func() bool { return w.account.Calls().Taken == 25 })
			w.until("say that all is well", func() bool { return s.words() == "" })
			if c := w.account.Calls(); c.Failed > 0 || w.asked(streamPath) > 0 {
				t.Errorf("calls %+v, %d streams", c, w.asked(streamPath))
			}
		})
	}
}

func TestLogSaysThatPushWorks(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	var log bytes.Buffer
	w.host.Log = slog.New(slog.NewTextHandler(&log, nil))
	in, s := kittest.NewInbox(), &standing{Bot: w.load(w.connect()), w: w}
	run := kittest.Receive(t, s, in)
	w.until("be called", func() bool { return s.words() == "" })
	for i := range 3 {
		w.account.Mention("rider@example.org", fmt.Sprint("U1 ", i), "public")
		in.Wait(t, i+1)
	}
	run.Stop()
	for _, line := range []string{"push is set: the instance calls when there is news", "push works: the instance has called"} {
		if n := strings.Count(log.String(), "level=INFO msg=\""+line); n != 1 {
			t.Errorf("%d times in the log: %s\n%s", n, line, log.String())
		}
	}
	if strings.Contains(log.String(), "rider") {
		t.Errorf("the log names a rider:\n%s", log.String())
	}
}

// An account that is called rests between two calls.
func TestCalledAccountRests(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	in := kittest.NewInbox()
	run := kittest.Receive(t, w.load(w.connect()), in)
	w.subscribed()
	for i := range 3 {
		run.Rests()
		w.account.Mention("rider@example.org", fmt.Sprint("U1 ", i), "public")
		in.Wait(t, i+1)
	}
	run.Rests()
	if err := run.Stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if n := len(w.driver.calls.of); n > 0 {
		t.Errorf("%d boxes are left of an account that has stopped", n)
	}
}

// One mention is two requests: fetching it, and what a report does.
func TestCallCostsOneRequest(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	_, in := w.called()
	w.account.Mention("rider@example.org", "first", "public")
	in.Wait(t, 1)
	before := w.asked("/api/")
	w.account.Mention("rider@example.org", "second", "public")
	in.Wait(t, 2)
	w.until("take the call", func() bool { return w.account.Calls().Taken == 2 })
	if n := w.asked("/api/") - before; n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestMentionsBeforeARestartAreHeardOnce(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	row := w.connect()
	first := kittest.NewInbox()
	run := kittest.Receive(t, w.load(row), first)
	w.subscribed()
	w.account.Mention("rider@example.org", "before", "public")
	first.Wait(t, 1)
	run.Stop()
	for i := range 100 {
		w.account.Mention("rider@example.org", fmt.Sprint("meanwhile ", i), "public")
	}
	w.until("be called meanwhile", func() bool { return w.account.Calls().Taken == 101 })
	second := kittest.NewInbox()
	kittest.Receive(t, w.load(row), second)
	second.Wait(t, 100)
	w.account.Mention("rider@example.org", "after", "public")
	second.WaitFor(t, "after")
	second.WantOnce(t)
	if second.All()[0].Text == "before" {
		t.Error("what was heard before is heard again")
	}
}

func TestWhatCallsMissIsFound(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	w.driver.timings.missed = 30 * time.Millisecond
	_, in := w.called()
	// The instance has dropped the subscription: the account subscribes again.
	w.account.Unsubscribe()
	w.account.Mention("rider@example.org", "lost", "public")
	in.WaitFor(t, "lost")
	w.subscribed()
	w.account.Mention("rider@example.org", "called", "public")
	in.WaitFor(t, "called")
	w.until("take a call", func() bool { return w.account.Calls().Taken == 1 })
	in.WantOnce(t)
}

// An instance whose calls never arrive is listened to in another way.
func TestWithoutCallsTheAccountStreams(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	w.driver.timings.missed = 30 * time.Millisecond
	s, in := w.called()
	w.server.DropCalls(true)
	for _, text := range []string{"one", "two"} {
		w.account.Mention("rider@example.org", text, "public")
		in.WaitFor(t, text)
		pages := w.asked(pagePath)
		w.until("look once more, in vain", func() bool { return w.account.Streams() > 0 || w.asked(pagePath) > pages+1 })
	}
	w.streaming()
	w.account.Mention("rider@example.org", "streamed", "public")
	in.WaitFor(t, "streamed")
	if in.WantOnce(t); s.words() != "" {
		t.Errorf("says %q", s.words())
	}
}

func TestAccountsThatCannotBeCalledStream(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wreck func(w *world)
		says  string
	}{
		"connected without the scope": {func(w *world) { w.account.Allow("read", "write") }, "ständig eine Verbindung"},
		"no such thing": {func(w *world) {
			w.server.Fail(pushPath, -1, fault.Status(http.StatusNotFound, `{"error":"Not found"}`))
		}, ""},
		"no such page": {func(w *world) { w.server.Fail(pushPath, -1, fault.HTML(http.StatusNotFound)) }, ""},
		"switched off": {func(w *world) { w.server.Fail(pushPath, -1, fault.Status(http.StatusServiceUnavailable, "")) }, ""},
		"refused": {func(w *world) {
			w.server.Fail(pushPath, -1, fault.Status(http.StatusUnprocessableEntity, `{"error":"Validation failed"}`))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := callable(t, standin.Options{})
			c.wreck(w)
			s, in := w.stand()
			w.streaming()
			w.account.Mention("rider@example.org", "one", "public")
			in.Wait(t, 1)
			w.until("say how it stands", func() bool { return strings.Contains(s.words(), c.says) && (c.says != "" || s.words() == "") })
			// and where there is no stream either, they poll
			w.server.Fail(streamPath, -1, fault.HTML(http.StatusNotFound))
			w.server.DropStreams()
			w.account.Mention("rider@example.org", "two", "public")
			in.Wait(t, 2)
			w.until("say that it polls", func() bool { return strings.Contains(s.words(), "keine Live-Verbindung") })
		})
	}
	t.Run("until they are connected again", func(t *testing.T) {
		w := callable(t, standin.Options{})
		w.account.Allow("read", "write")
		s, in := w.stand()
		w.streaming()
		w.account.Allow("read", "write", "push")
		w.server.DropStreams() // as a restart does
		w.subscribed()
		w.account.Mention("rider@example.org", "one", "public")
		in.Wait(t, 1)
		w.until("say that all is well", func() bool { return s.words() == "" })
	})
}

func TestTokenRefusedWhileCalled(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	in := kittest.NewInbox()
	run := kittest.Receive(t, w.load(w.connect()), in)
	w.subscribed()
	endpoint := w.account.Endpoint()
	w.account.RevokeTokens()
	ring(t, endpoint, "")
	kittest.WantKind(t, run.Ended(), bots.KindRefused)
}

// ring calls an endpoint with a body that nobody has encrypted.
func ring(t *testing.T, endpoint, body string) (status int) {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(body)))(t)
	req.Header.Set("Content-Encoding", "aes128gcm")
	resp := must(http.DefaultClient.Do(req))(t)
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode
}

// An instance gives up for ever at an answer of 400 to 499.
func TestAnswersToCalls(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	row := w.connect()
	run := kittest.Receive(t, w.load(row), kittest.NewInbox())
	w.subscribed()
	endpoint := w.account.Endpoint()
	want := func(status int, what, url, body string) {
		t.Helper()
		if got := ring(t, url, body); got != status {
			t.Errorf("%s: %d, want %d", what, got, status)
		}
	}
	want(http.StatusCreated, "one that cannot be read", endpoint, strings.Repeat("x", 200))
	want(http.StatusCreated, "one without anything", endpoint, "")
	want(http.StatusCreated, "one that is too long", endpoint, strings.Repeat("x", 100<<10))
	want(http.StatusNotFound, "a guessed address", w.host.Config.Web.URL+"/hook/mastodon/"+strings.Repeat("A", 96), "")
	want(http.StatusNotFound, "a changed address", endpoint[:len(endpoint)-4]+"AAAA", "")
	run.Stop()
	want(http.StatusCreated, "a bot that is to start", endpoint, "")
	w.driver.mode = modeStream
	want(http.StatusGone, "another mode", endpoint, "")
	w.driver.mode = modePush
	check(t, w.network.Forget(w.ctx, row))
	want(http.StatusGone, "a bot that is gone", endpoint, "")
	if resp := must(http.Get(endpoint))(t); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
}

// Who knows the address alone can make the account look, and nothing else.
func TestCallsOfStrangersSayNothing(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	_, in := w.called()
	subscriptions := w.asked(pushPath)
	for range 20 {
		ring(t, w.account.Endpoint(), `{"notification_id":"1","notification_type":"mention","body":"U1 Plärrer"}`)
	}
	w.account.Mention("rider@example.org", "real", "public")
	in.WaitFor(t, "real")
	if got := in.Texts(); len(got) != 1 {
		t.Errorf("heard %q", got)
	}
	if n := w.asked(pushPath) - subscriptions; n > 1 {
		t.Errorf("subscribed %d times more", n)
	}
}

func TestOtherModeEndsTheCalls(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	row := w.connect()
	run := kittest.Receive(t, w.load(row), kittest.NewInbox())
	w.subscribed()
	run.Stop()
	w.driver.mode = modeStream
	w.server.Fail(pushPath, 1, fault.HTML(http.StatusServiceUnavailable))
	in := kittest.NewInbox()
	run = kittest.Receive(t, w.load(row), in)
	w.streaming()
	run.Stop()
	if w.account.Endpoint() == "" {
		t.Fatal("the instance was in trouble and has done it all the same")
	}
	opened := w.asked(streamPath)
	run = kittest.Receive(t, w.load(row), in)
	w.until("end the calls at the next start", func() bool { return w.account.Endpoint() == "" })
	w.until("stream again", func() bool { return w.asked(streamPath) > opened })
	run.Stop()
	before := w.asked(pushPath)
	kittest.Receive(t, w.load(row), in)
	w.until("stream once more", func() bool { return w.asked(streamPath) > opened+1 })
	if n := w.asked(pushPath) - before; n > 0 {
		t.Errorf("asked %d times to end what is ended", n)
	}
}

func TestDisconnectingEndsTheCalls(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	row := w.connect()
	run := kittest.Receive(t, w.load(row), kittest.NewInbox())
	w.subscribed()
	run.Stop()
	check(t, w.network.Forget(w.ctx, row))
	if got := w.account.Endpoint(); got != "" {
		t.Errorf("still calls %s", got)
	}
}

func TestCallsBringEdits(t *testing.T) {
	t.Parallel()
	w := callable(t, standin.Options{})
	row := w.connect()
	b, in := w.load(row), kittest.NewInbox()
	kittest.Receive(t, b, in)
	w.subscribed()
	id := w.account.Mention("rider@example.org", "U1", "public")
	in.Wait(t, 1)
	d := delivery(row, report.Public, "U1")
	w.keep(&d, id)
	must(b.Send(w.ctx, d))(t)
	w.server.Edit(id, "spam", false)
	in.WaitFor(t, "spam")
	if all := in.All(); !all[len(all)-1].Edited {
		t.Errorf("heard %+v", all)
	}
}
