package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

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
	w.host.Config.Web.URL = w.web.URL
	w.driver.hooks = newHooks(w.host)
	w.driver.hooks.times = hookTimes{wait: time.Millisecond, look: time.Hour, every: time.Hour, again: time.Hour}
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
	w := newHookWorld(t)
	rider := w.server.AddUser("Rider", "de")
	for i := range 3 {
		rider.Write(w.account, fmt.Sprint("report ", i)) // before the bot works
	}
	w.start()
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
}

func TestWebhookIsSetAsDocumented(t *testing.T) {
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
	w := newHookWorld(t)
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
	w := newHookWorld(t)
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

func TestWhatIsBroughtTwiceIsHeardOnce(t *testing.T) {
	w := newHookWorld(t)
	w.account.FailHook(standin.HookFaults{Twice: true})
	rider := w.server.AddUser("Rider", "en")
	w.start()
	rider.Write(w.account, "/start")
	rider.Write(w.account, "a report")
	rider.Write(w.account, "/ping")
	if got := w.answer(rider, 2); !strings.Contains(got, " ms ") {
		t.Errorf("the second answer is %q: /start was answered twice", got)
	}
	w.brought()
	w.in.WantOnce(t)
}

// Updates of one chat wait while those of others go on, whatever their numbers.
func TestUpdateThatWasOvertakenIsHeard(t *testing.T) {
	w := newHookWorld(t)
	w.start()
	_, secret := w.account.Webhook()
	for _, id := range []int{8, 5, 7, 5} {
		if status, _ := w.post(http.MethodPost, secret, called(id, fmt.Sprint("report ", id))); status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	if diff := cmp.Diff([]string{"report 8", "report 5", "report 7"}, w.in.Texts()); diff != "" {
		t.Error(diff)
	}
}

// What was polled is not heard again when Telegram brings it, and nothing is lost on the
// way back.
func TestChangeOfModeLosesNothing(t *testing.T) {
	w := newHookWorld(t)
	hooks := w.driver.hooks
	rider := w.server.AddUser("Rider", "en")
	w.driver.hooks = nil
	run := kittest.Receive(t, w.load(w.row), w.in)
	w.until("poll", w.account.Polling)
	rider.Write(w.account, "/start")
	rider.Write(w.account, "polled")
	w.in.WaitFor(t, "polled")
	w.answer(rider, 1)
	_ = run.Stop() // the last offset may not have come to Telegram
	rider.Write(w.account, "in between")

	w.driver.hooks = hooks
	_, run = w.start()
	rider.Write(w.account, "brought")
	w.in.WaitFor(t, "brought")
	w.brought()
	_ = run.Stop()
	rider.Write(w.account, "in between again")

	w.driver.hooks = nil
	kittest.Receive(t, w.load(w.row), w.in)
	w.in.WaitFor(t, "in between again")
	w.handled()
	if diff := cmp.Diff([]string{"polled", "in between", "brought", "in between again"}, w.in.Texts()); diff != "" {
		t.Error(diff)
	}
	if w.account.HasWebhook() {
		t.Error("the webhook is left although bots poll")
	}
	if n := len(botSays(w, rider)); n != 1 {
		t.Errorf("/start was answered %d times", n)
	}
}

func botSays(w *hookWorld, rider *standin.User) (list []string) {
	for _, m := range w.account.Chat(rider) {
		if m.FromBot {
			list = append(list, m.Text)
		}
	}
	return list
}

// Where Telegram refuses the address, the bot polls, says so, and tries again later.
func TestRefusedWebhookIsPolledInstead(t *testing.T) {
	w := newHookWorld(t)
	w.driver.hooks.times.again = 300 * time.Millisecond
	w.server.Fail("/bot"+w.account.Token()+"/setWebhook", -1, w.server.Answer(http.StatusBadRequest, 0))
	rider := w.server.AddUser("Rider", "en")
	b := &standing{Bot: w.load(w.row)}
	kittest.Receive(t, b, w.in)
	w.until("poll", w.account.Polling)
	if got := b.last(w); got != w.text("telegram.hook.refused") {
		t.Errorf("says %q", got)
	}
	rider.Write(w.account, "polled")
	w.in.WaitFor(t, "polled")
	w.server.Mend()
	w.until("set the webhook", w.isSet)
	rider.Write(w.account, "brought")
	w.in.WaitFor(t, "brought")
	if got := b.last(w); got != "" {
		t.Errorf("still says %q", got)
	}
	w.in.WantOnce(t)
}

// Where Telegram cannot call, what waits there is polled.
func TestUnreachedServerPolls(t *testing.T) {
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: time.Millisecond, look: 20 * time.Millisecond, every: 20 * time.Millisecond, again: time.Hour}
	rider := w.server.AddUser("Rider", "en")
	b, _ := w.start()
	w.account.FailHook(standin.HookFaults{Unreachable: true})
	rider.Write(w.account, "cannot be brought")
	w.in.WaitFor(t, "cannot be brought")
	w.handled()
	if got := b.last(w); got != w.text("telegram.hook.unreached") {
		t.Errorf("says %q", got)
	}
	if w.account.HasWebhook() {
		t.Error("the webhook is left")
	}
}

// A webhook that works is asked about now and then, and nothing else happens.
func TestWorkingWebhookStays(t *testing.T) {
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: time.Millisecond, look: 5 * time.Millisecond, every: 5 * time.Millisecond, again: time.Hour}
	b, _ := w.start()
	w.until("ask", func() bool { return w.account.Calls("getWebhookInfo") > 5 })
	if got := w.account.Calls("setWebhook"); got != 1 || b.last(w) != "" {
		t.Errorf("set %d times, says %q", got, b.last(w))
	}
}

func TestWebhookOfAnotherProgram(t *testing.T) {
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: time.Millisecond, look: 10 * time.Millisecond, every: 10 * time.Millisecond, again: time.Hour}
	w.account.SetWebhook() // before the bot works: that is taken over
	_, run := w.start()
	w.until("ask", func() bool { return w.account.Calls("getWebhookInfo") > 3 })

	w.account.SetWebhook()
	w.until("set it again", w.isSet)
	w.account.SetWebhook()
	err := run.Ended()
	kittest.WantKind(t, err, bots.KindRefused)
	if got := w.words(err); got != w.text("telegram.error.webhook") {
		t.Errorf("error %q", got)
	}
	set := w.account.Calls("setWebhook")
	kittest.WantKind(t, kittest.Receive(t, w.load(w.row), w.in).Ended(), bots.KindRefused)
	if w.account.Calls("setWebhook") != set {
		t.Error("it was taken over although it was lost before")
	}
	c := must(w.driver.client("", w.account.Token()))(t)
	check(t, c.takeOver(w.ctx)) // as when the token is entered again
	w.start()
}

func TestRevokedTokenIsNoticed(t *testing.T) {
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: time.Millisecond, look: 10 * time.Millisecond, every: 10 * time.Millisecond, again: time.Hour}
	_, run := w.start()
	w.account.Revoke()
	kittest.WantKind(t, run.Ended(), bots.KindRefused)
}

// Telegram being away for the bot does not keep what it brings from being heard.
func TestTelegramThatDoesNotAnswerIsHeard(t *testing.T) {
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: time.Millisecond, look: time.Millisecond, every: time.Millisecond, again: time.Hour}
	rider := w.server.AddUser("Rider", "en")
	w.start()
	for _, method := range []string{"getWebhookInfo", "getMe"} {
		w.server.Fail("/bot"+w.account.Token()+"/"+method, -1, func(http.ResponseWriter, *http.Request) {
			<-w.ctx.Done()
		})
	}
	w.until("ask", func() bool { return len(w.server.Requests("/bot"+w.account.Token()+"/getWebhookInfo")) > 1 })
	rider.Write(w.account, "a report")
	w.in.WaitFor(t, "a report")
	w.server.Mend()
}

func TestServerThatKnowsNoWebhookInfo(t *testing.T) {
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: time.Millisecond, look: time.Millisecond, every: time.Millisecond, again: time.Hour}
	w.server.Fail("/bot"+w.account.Token()+"/getWebhookInfo", -1, w.server.Answer(http.StatusNotFound, 0))
	rider := w.server.AddUser("Rider", "en")
	w.start()
	w.until("ask", func() bool { return w.account.Calls("getMe") > 3 })
	rider.Write(w.account, "a report")
	w.in.WaitFor(t, "a report")
}

// A bot that starts again, as after a change of its settings, keeps no call waiting for
// Telegram's next try.
func TestCallWaitsForItsBot(t *testing.T) {
	w := newHookWorld(t)
	w.driver.hooks.times.wait = kittest.Patience
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
	w := newHookWorld(t)
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

// Calls of many bots at a time are each answered for their own.
func TestCallsOfManyBots(t *testing.T) {
	slow.Test(t, "connects many bots")
	w := newHookWorld(t)
	var group sync.WaitGroup
	for i := range 200 {
		calls := w.driver.hooks.line(int64(1000 + i))
		group.Go(func() {
			for range 5 {
				_ = (<-calls).answer(func(update []byte) error {
					if string(update) != fmt.Sprint(i) {
						return errors.New("a call for another bot")
					}
					return nil
				})
			}
		})
	}
	for i := range 200 {
		group.Go(func() {
			for range 5 {
				if status, _ := w.post(http.MethodPost, w.driver.hooks.secretOf(int64(1000+i)), fmt.Sprint(i)); status != http.StatusOK {
					t.Errorf("status %d", status)
				}
			}
		})
	}
	group.Wait()
}

func TestModeSetting(t *testing.T) {
	tests := map[string]struct {
		mode, url string
		private   bool
		wrong     string
		advice    string
		hooked    bool
	}{
		"poll":                  {mode: "poll", url: "http://localhost:8080"},
		"webhook":               {mode: "webhook", url: "https://tickets.example.org", hooked: true},
		"another port":          {mode: "webhook", url: "https://tickets.example.org:8443", hooked: true},
		"a mistake":             {mode: "push", url: "https://tickets.example.org", wrong: `"push" is not known`},
		"nothing":               {mode: "", url: "https://tickets.example.org", wrong: `"" is not known`},
		"without https":         {mode: "webhook", url: "http://tickets.example.org", advice: "https addresses only"},
		"a port that is none":   {mode: "webhook", url: "https://tickets.example.org:9443", advice: "443, 80, 88 and 8443 only, and web.url has 9443"},
		"not on the internet":   {mode: "webhook", url: "https://tickets.fritz.internal", advice: "from the internet"},
		"a server of one's own": {mode: "webhook", url: "http://127.0.0.1:8080", private: true, hooked: true},
	}
	for what, tt := range tests {
		t.Run(what, func(t *testing.T) {
			c := &config.Config{Web: config.Web{URL: tt.url}, Network: config.Network{AllowPrivate: tt.private}}
			o := &options{API: "https://api.telegram.org", Mode: tt.mode}
			wrong, advice := o.check(c)
			wantProblem(t, wrong, tt.wrong)
			wantProblem(t, advice, tt.advice)
			d := must(open(bots.Host{Config: c}, o))(t).(*driver)
			if hooked := d.hooks != nil; hooked != tt.hooked {
				t.Errorf("by webhook: %t", hooked)
			}
		})
	}
}

// wantProblem checks that there is one problem with that in it, with a hint how to mend
// it, or none.
func wantProblem(t *testing.T, list []config.Error, want string) {
	t.Helper()
	switch {
	case want == "" && len(list) == 0:
	case len(list) != 1 || want == "" || list[0].Key != "mode" || list[0].Hint == "" || !strings.Contains(list[0].Problem, want):
		t.Errorf("problems %v, want %q", list, want)
	}
}

func TestOperatorReadsWhyTelegramDoesNotCall(t *testing.T) {
	for words, want := range map[string]string{
		"Wrong response from the webhook: 502 Bad Gateway":                   "HTTP status 502",
		"SSL error {error:0A000086:SSL routines::certificate verify failed}": "certificate",
		"Failed to resolve host: Name or service not known":                  "DNS",
		"Connection refused": "open to the internet",
		"":                   "open to the internet",
	} {
		if got := whyUnreached(words); !strings.Contains(got, want) {
			t.Errorf("%q: %q", words, got)
		}
	}
}

// What goes wrong for thousands of bots is one line.
func TestOperatorReadsItOnce(t *testing.T) {
	w := newHookWorld(t)
	var lines strings.Builder
	w.driver.hooks.say = rate.Sometimes{Interval: time.Hour}
	w.driver.hooks.log = newTestLog(&lines)
	w.server.Fail("/bot", -1, w.server.Answer(http.StatusBadRequest, 0))
	for range 3 {
		c := &conn{driver: w.driver, client: must(w.driver.client("", w.account.Token()))(t)}
		if err := c.setHook(w.ctx); !errors.Is(err, errNotCalled) {
			t.Errorf("setHook: %v", err)
		}
	}
	if n := strings.Count(lines.String(), "\n"); n != 1 || !strings.Contains(lines.String(), w.web.URL) {
		t.Errorf("%d lines: %s", n, lines.String())
	}
}

func FuzzCall(f *testing.F) {
	f.Add("1_x", []byte(called(1, "U1 Plärrer")))
	f.Add("", []byte(`{"update_id":1,"my_chat_member":{"chat":{"id":-1,"type":"group"},"new_chat_member":{"status":"member"}}}`))
	f.Fuzz(func(t *testing.T, shown string, body []byte) {
		h := newHooks(bots.Host{Config: &config.Config{}, Secrets: fuzzBox})
		if _, ok := h.caller(shown); ok {
			t.Errorf("%q is believed", shown)
		}
		if u, err := parseUpdate(body); err == nil {
			events := self{"1", "@bot"}.events(u)
			_ = slices.Clone(events)
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

func newTestLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
