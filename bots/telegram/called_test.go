package telegram

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	kit "ticketfrei/bots/kit/standin"
	"ticketfrei/bots/telegram/standin"
)

func TestWhatIsBroughtTwiceIsHeardOnce(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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

// A webhook that stands since before the server's address was changed is removed. One that
// comes again is another server's.
func TestWebhookOfTheFormerAddressIsRemoved(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	_, run := w.start()
	_ = run.Stop()
	w.host.Config.Web.URL = "https://new.example"
	w.driver.hooks = nil
	run = kittest.Receive(t, w.load(w.row), w.in)
	w.until("poll", w.account.Polling)
	_ = run.Stop()
	check(t, must(w.driver.client("", w.account.Token()))(t).setHook(w.ctx, w.web.URL+bots.HookPath(name), "x"))
	kittest.WantKind(t, kittest.Receive(t, w.load(w.row), w.in).Ended(), bots.KindRefused)
}

// Whose bot was disconnected can use it elsewhere.
func TestDisconnectedBotIsNotCalled(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	_, run := w.start()
	_ = run.Stop()
	check(t, w.network.Forget(w.ctx, w.row))
	if w.account.HasWebhook() {
		t.Error("Telegram goes on calling for it")
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
	t.Parallel()
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

// A server may know no webhooks, and say so in whatever way.
func TestServerWithoutWebhooksIsPolled(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]kit.Fault{
		"page": kit.HTML(http.StatusNotFound), "error": kit.HTML(http.StatusInternalServerError), "success of another kind": kit.HTML(http.StatusOK),
		"refusal": kit.Status(http.StatusNotFound, `{"ok":false,"error_code":404,"description":"Not Found: method not found"}`),
	} {
		t.Run(what, func(t *testing.T) {
			w := newHookWorld(t)
			w.server.Fail("/bot"+w.account.Token()+"/setWebhook", -1, fault)
			w.server.Fail("/bot"+w.account.Token()+"/getWebhookInfo", -1, fault)
			rider := w.server.AddUser("Rider", "en")
			kittest.Receive(t, w.load(w.row), w.in)
			rider.Write(w.account, "a report")
			w.in.WaitFor(t, "a report")
		})
	}
}

// Where Telegram cannot call, what waits there is polled.
func TestUnreachedServerPolls(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: kittest.Patience, look: 20 * time.Millisecond, every: 20 * time.Millisecond, again: time.Hour}
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
	t.Parallel()
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: kittest.Patience, look: 5 * time.Millisecond, every: 5 * time.Millisecond, again: time.Hour}
	b, _ := w.start()
	w.until("ask", func() bool { return w.account.Calls("getWebhookInfo") > 5 })
	if got := w.account.Calls("setWebhook"); got != 1 || b.last(w) != "" {
		t.Errorf("set %d times, says %q", got, b.last(w))
	}
}

func TestWebhookOfAnotherProgram(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: kittest.Patience, look: 10 * time.Millisecond, every: 10 * time.Millisecond, again: time.Hour}
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
	t.Parallel()
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: kittest.Patience, look: 10 * time.Millisecond, every: 10 * time.Millisecond, again: time.Hour}
	_, run := w.start()
	w.account.Revoke()
	kittest.WantKind(t, run.Ended(), bots.KindRefused)
}

// Telegram being away for the bot does not keep what it brings from being heard.
func TestTelegramThatDoesNotAnswerIsHeard(t *testing.T) {
	t.Parallel()
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: kittest.Patience, look: time.Millisecond, every: time.Millisecond, again: time.Hour}
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
	t.Parallel()
	w := newHookWorld(t)
	w.driver.hooks.times = hookTimes{wait: kittest.Patience, look: time.Millisecond, every: time.Millisecond, again: time.Hour}
	w.server.Fail("/bot"+w.account.Token()+"/getWebhookInfo", -1, w.server.Answer(http.StatusNotFound, 0))
	rider := w.server.AddUser("Rider", "en")
	w.start()
	w.until("ask", func() bool { return w.account.Calls("getMe") > 3 })
	rider.Write(w.account, "a report")
	w.in.WaitFor(t, "a report")
}

func TestOperatorReadsWhyTelegramDoesNotCall(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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

func newTestLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
