package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/telegram/standin"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
	"ticketfrei/internal/slow"
)

// hookWorld is a world where Telegram calls.
type hookWorld struct {
	*world
	web *httptest.Server // that Telegram calls
	row report.Bot
	in  *kittest.Inbox
}

func newHookWorld(t *testing.T) *hookWorld {
	t.Helper()
	w := &hookWorld{world: newWorld(t, standin.Options{Retry: 5 * time.Millisecond}), in: kittest.NewInbox()}
	routes := chi.NewRouter()
	w.web = httptest.NewServer(routes)
	t.Cleanup(w.web.Close)
	t.Cleanup(func() { check(t, w.server.Close()) }) // before: it may be calling
	w.host.Config.Web.URL = w.web.URL
	w.driver.hooks = newHooks(w.host, w.driver.kept)
	w.driver.hooks.times = hookTimes{wait: kittest.Patience, look: time.Hour, every: time.Hour, again: time.Hour}
	routes.Route(bots.HookPath(name), w.network.(bots.Hooked).HookRoutes)
	w.row = w.connect()
	return w
}

// standing is a bot that notes how it says that it stands.
type standing struct {
	bots.Bot
	mu   sync.Mutex
	said []error
}

func (s *standing) Receive(ctx context.Context, emit func(context.Context, bots.Incoming) error) error {
	return s.Bot.Receive(bots.WithStanding(ctx, func(limit error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.said = append(s.said, limit)
	}), emit)
}

// last is what it said last, in words; "" where it works with all it can.
func (s *standing) last(w *hookWorld) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.said) == 0 || s.said[len(s.said)-1] == nil {
		return ""
	}
	return w.words(s.said[len(s.said)-1])
}

// start runs the bot and waits until Telegram knows where to call.
func (w *hookWorld) start() (*standing, *kittest.Receiving) {
	w.t.Helper()
	b := &standing{Bot: w.load(w.row)}
	run := kittest.Receive(w.t, b, w.in)
	w.until("set the webhook", w.isSet)
	return b, run
}

func (w *hookWorld) isSet() bool {
	url, _ := w.account.Webhook()
	return url == w.web.URL+"/hook/telegram"
}

// brought waits until Telegram has nothing left to bring.
func (w *hookWorld) brought() {
	w.t.Helper()
	w.until("bring all updates", func() bool { return w.account.Pending() == 0 })
}

// post calls as anybody can and returns the status and the body.
func (w *hookWorld) post(method, secret, body string) (int, string) {
	w.t.Helper()
	req := must(http.NewRequestWithContext(w.ctx, method, w.web.URL+"/hook/telegram", strings.NewReader(body)))(w.t)
	if secret != "" {
		req.Header.Set(secretHeader, secret)
	}
	resp := must(http.DefaultClient.Do(req))(w.t)
	defer resp.Body.Close()
	var text strings.Builder
	_ = resp.Write(&text)
	_, content, _ := strings.Cut(text.String(), "\r\n\r\n")
	return resp.StatusCode, content
}

func called(id int, text string) string {
	return fmt.Sprintf(`{"update_id":%d,"message":{"message_id":%d,"date":1,"text":%q,"from":{"id":77},"chat":{"id":77,"type":"private"}}}`, id, id, text)
}

func TestTelegramBringsReports(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	rider := w.server.AddUser("Rider", "de")
	for i := range 3 {
		rider.Write(w.account, fmt.Sprint("report ", i)) // before the bot works
	}
	_, run := w.start()
	rider.Write(w.account, "report 3")
	w.in.Wait(t, 4)
	w.brought()
	rider.Write(w.account, "/ping")
	if got := w.answer(rider, 1); !strings.Contains(got, " ms ") {
		t.Errorf("ping: %q", got)
	}
	if diff := cmp.Diff([]string{"report 0", "report 1", "report 2", "report 3"}, w.in.Texts()); diff != "" {
		t.Error(diff)
	}
	if n := w.account.Calls("getUpdates"); n != 0 {
		t.Errorf("asked %d times for updates", n)
	}
	run.Stop()
	for _, line := range []string{"the webhook is set: Telegram calls " + w.web.URL + "/hook/telegram", "the webhook works: Telegram has called"} {
		if n := strings.Count(w.log.String(), line); n != 1 {
			t.Errorf("%d times in the log: %s", n, line)
		}
	}
}

func TestWebhookIsSetAsDocumented(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.start()
	requests := w.server.Requests("/bot" + w.account.Token() + "/setWebhook")
	if len(requests) != 1 {
		t.Fatalf("set %d times", len(requests))
	}
	for _, part := range []string{`"max_connections":1`, `"message"`, `"my_chat_member"`, `"url":"` + w.web.URL + `/hook/telegram"`} {
		if !strings.Contains(requests[0].Body, part) {
			t.Errorf("without %s: %s", part, requests[0].Body)
		}
	}
	if strings.Contains(requests[0].Body, "drop_pending_updates") {
		t.Errorf("what waits is dropped: %s", requests[0].Body)
	}
	if _, secret := w.account.Webhook(); len(secret) < 20 || strings.Contains(secret, w.account.Token()[12:]) {
		t.Errorf("secret %q", secret)
	}
}

func TestUpdatesAreTakenWhenTheyAreOnDisk(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.driver.hooks.times.wait = 200 * time.Millisecond
	rider := w.server.AddUser("Rider", "de")
	_, run := w.start()
	w.in.Fail(errors.New("disk full"))
	rider.Write(w.account, "a report")
	if err := run.Ended(); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Receive = %v", err)
	}
	if n := w.account.Pending(); n != 1 {
		t.Fatalf("%d updates are left, want 1", n)
	}
	_, secret := w.account.Webhook()
	if status, _ := w.post(http.MethodPost, secret, called(9, "while it is off")); status != http.StatusServiceUnavailable {
		t.Errorf("status %d while the bot does not work", status)
	}
	w.in.Fail(nil)
	w.start()
	w.account.FailHook(standin.HookFaults{}) // Telegram tries again
	w.in.Wait(t, 1)
	w.brought()
	w.in.WantOnce(t)
}

// What Telegram has to bring is left out where it never could be taken in.
func TestUnusableUpdatesDoNotHoldUpTheNext(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.start()
	w.in.Refuse("cannot be taken in")
	_, secret := w.account.Webhook()
	for _, body := range []string{"", "null", "{}", "[]", "x", `{"update_id":"x"}`, `{"update_id":1,"message":{"message_id":"x"}}`,
		`{"update_id":2,"message":` + strings.Repeat("[", 20_000), called(3, "cannot be taken in"), called(4, strings.Repeat("long ", maxCall/4))} {
		if status, _ := w.post(http.MethodPost, secret, body); status != http.StatusOK {
			t.Errorf("status %d for %.40q", status, body)
		}
	}
	if status, _ := w.post(http.MethodPost, secret, called(5, "a report")); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if diff := cmp.Diff([]string{"a report"}, w.in.Texts()); diff != "" {
		t.Error(diff)
	}
}

func TestStrangersAreNotHeard(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.driver.hooks.times.wait = 200 * time.Millisecond
	w.start()
	_, secret := w.account.Webhook()
	other := w.driver.hooks.secretOf(w.row.ID + 1)
	tests := map[string]struct {
		method, secret string
		want           int
	}{
		"no secret":              {http.MethodPost, "", http.StatusUnauthorized},
		"wrong secret":           {http.MethodPost, secret[:len(secret)-1] + "!", http.StatusUnauthorized},
		"too long":               {http.MethodPost, secret + "x", http.StatusUnauthorized},
		"secret of another bot":  {http.MethodPost, fmt.Sprint(w.row.ID) + other[strings.Index(other, "_"):], http.StatusUnauthorized},
		"only the bot":           {http.MethodPost, fmt.Sprint(w.row.ID), http.StatusUnauthorized},
		"no bot":                 {http.MethodPost, "_", http.StatusUnauthorized},
		"a huge number":          {http.MethodPost, strings.Repeat("9", 99) + "_x", http.StatusUnauthorized},
		"GET":                    {http.MethodGet, secret, http.StatusMethodNotAllowed},
		"PUT":                    {http.MethodPut, secret, http.StatusMethodNotAllowed},
		"a bot that is not here": {http.MethodPost, other, http.StatusServiceUnavailable},
	}
	for what, tt := range tests {
		if status, body := w.post(tt.method, tt.secret, called(1, "spam")); status != tt.want || body != "" {
			t.Errorf("%s: %d %q, want %d without a word", what, status, body, tt.want)
		}
	}
	if got := w.in.Texts(); len(got) != 0 {
		t.Errorf("heard %q", got)
	}
}

// A bot that starts again, as after a change of its settings, keeps no call waiting for
// Telegram's next try.
func TestCallWaitsForItsBot(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	_, run := w.start()
	_ = run.Stop()
	_, secret := w.account.Webhook()
	answered := make(chan int, 1)
	go func() {
		status, _ := w.post(http.MethodPost, secret, called(1, "a report"))
		answered <- status
	}()
	w.start()
	w.in.WaitFor(t, "a report")
	if status := <-answered; status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

// A bot that panics over an update answers nothing but 503.
func TestPanicIsNoAnswer(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.driver.hooks.times.wait = 200 * time.Millisecond
	c := call{done: make(chan error, 1)}
	func() {
		defer func() { _ = recover() }()
		_ = c.answer(func([]byte) error { panic("on fire") })
	}()
	if err := <-c.done; !errors.Is(err, errNotAtWork) {
		t.Errorf("answered %v", err)
	}
	if status, _ := w.post(http.MethodPost, w.driver.hooks.secretOf(w.row.ID), called(1, "x")); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
}

// A bot that Telegram calls rests between two calls, and until it looks whether they come.
func TestCalledBotRests(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	_, run := w.start()
	rider := w.server.AddUser("Rider", "de")
	for i := range 3 {
		run.Rests()
		rider.Write(w.account, fmt.Sprint("report ", i))
		w.in.Wait(t, i+1)
		w.brought()
	}
	run.Rests()
	if err := run.Stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if n := len(w.driver.hooks.lines); n > 0 {
		t.Errorf("%d lines are left of a bot that has stopped", n)
	}
}

// Calls of many bots at a time are each answered for their own.
func TestCallsOfManyBots(t *testing.T) {
	slow.Test(t, "makes a thousand calls")
	w := newHookWorld(t)
	var group sync.WaitGroup
	ctx, stop := context.WithCancel(w.ctx)
	defer group.Wait()
	defer stop()
	hooks := w.driver.hooks
	for bot := range int64(200) {
		woken := make(chan struct{}, 1000)
		leave := hooks.await(bot, func() { woken <- struct{}{} })
		group.Go(func() {
			defer leave()
			for {
				select {
				case <-woken:
					_ = hooks.next(bot).answer(func(update []byte) error {
						if string(update) != fmt.Sprint(bot) {
							return errors.New("a call for another bot")
						}
						return nil
					})
				case <-ctx.Done():
					return
				}
			}
		})
	}
	var callers sync.WaitGroup
	for bot := range int64(200) {
		callers.Go(func() {
			for range 5 {
				if status, _ := w.post(http.MethodPost, w.driver.hooks.secretOf(bot), fmt.Sprint(bot)); status != http.StatusOK {
					t.Errorf("status %d", status)
				}
			}
		})
	}
	callers.Wait()
}

func FuzzCall(f *testing.F) {
	f.Add("1_x", []byte(called(1, "U1 Plärrer")))
	f.Add("", []byte(`{"update_id":1,"my_chat_member":{"chat":{"id":-1,"type":"group"},"new_chat_member":{"status":"member"}}}`))
	f.Fuzz(func(t *testing.T, shown string, body []byte) {
		h := newHooks(bots.Host{Config: &config.Config{}, Secrets: fuzzBox}, nil)
		if _, ok := h.caller(shown); ok {
			t.Errorf("%q is believed", shown)
		}
		if u, err := parseUpdate(body); err == nil {
			_ = self{"1", "@bot"}.events(u)
		}
	})
}

// fuzzBox has a key that no input knows.
var fuzzBox = func() *secret.Box {
	box, err := secret.New(bytes.Repeat([]byte{9}, 32))
	if err != nil {
		panic(err)
	}
	return box
}()
