package telegram

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/time/rate"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/calls"
	"ticketfrei/internal/config"
	"ticketfrei/internal/secret"
)

const (
	// secretHeader is where Telegram repeats the secret of setWebhook.
	secretHeader = "X-Telegram-Bot-Api-Secret-Token"
	// maxCall bounds the body of a call in bytes: one update, also where it answers
	// another long message.
	maxCall = 1 << 20
	// callPatience is how long a call waits for its update to be on disk. Telegram
	// waits a minute.
	callPatience = 30 * time.Second
	// callAgain is when Telegram is to try again what was not taken. By itself it
	// would wait up to two minutes.
	callAgain = 10 * time.Second
)

// hooks is where Telegram calls all bots: each call finds its bot by the secret that it
// brings, and is answered when the bot has dealt with it, or when it is kept for another
// process that runs the bot.
type hooks struct {
	url   string // that Telegram calls
	box   *secret.Box
	log   *slog.Logger
	say   rate.Sometimes // what goes wrong for all bots alike is said once in a while
	times hookTimes
	kept  *calls.Calls // those that other processes take

	mu    sync.Mutex
	lines map[int64]*line // by bot; only of those that listen or are called
	// lost are the bots whose webhook another program has set again and again. It
	// gets what is written until it stops.
	lost map[int64]bool
}

// hookTimes are the durations that tests make shorter.
type hookTimes struct {
	// wait is how long a call waits for its bot, which may just start again.
	wait time.Duration
	// look is how long after the webhook was set Telegram is asked whether it works,
	// and every how often it is asked afterwards, on average.
	look, every time.Duration
	// again is how long a bot polls until the webhook is tried again.
	again time.Duration
}

func newHooks(h bots.Host, kept *calls.Calls) *hooks {
	return &hooks{kept: kept,
		url: hookURL(h.Config), box: h.Secrets, log: h.Log, say: rate.Sometimes{Interval: time.Hour},
		times: hookTimes{wait: 2 * time.Second, look: time.Minute, every: 10 * time.Minute, again: time.Hour},
		lines: map[int64]*line{}, lost: map[int64]bool{},
	}
}

// hookURL is the address at which Telegram calls.
func hookURL(c *config.Config) string { return c.Web.URL + bots.HookPath(name) }

// HookRoutes adds the address that Telegram calls: see bots.Hooked.
func (d *driver) HookRoutes(r chi.Router) {
	if d.hooks != nil {
		r.Handle("/", d.hooks)
	}
}

// call is one update on its way to a bot.
type call struct {
	update json.RawMessage // nil where it was too large to be read
	done   chan error      // has room for one: nil when what follows is on disk
}

// errNotAtWork is a call for a bot that does not hear at the moment.
var errNotAtWork = errors.New("the bot is not at work")

// line is the way of calls to a bot.
type line struct {
	calls  []*call   // that wait, in their order
	listen *listener // nil while the bot does not listen
}

// listener is whom the calls to a bot wake.
type listener struct{ wake func() }

// answer deals with the call by take, and says so; also where take panics.
func (c *call) answer(take func([]byte) error) (err error) {
	err = errNotAtWork
	defer func() { c.done <- err }()
	err = take(c.update)
	return err
}

// ServeHTTP takes an update. It says nothing to anybody but by its status, and 200 only
// when what follows from the update is on disk: else Telegram brings it again.
func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := h.take(w, r)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(int(callAgain/time.Second)))
	}
	w.WriteHeader(status)
}

func (h *hooks) take(w http.ResponseWriter, r *http.Request) (status int) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed
	}
	bot, ok := h.caller(r.Header.Get(secretHeader))
	if !ok {
		return http.StatusUnauthorized
	}
	update, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		update = nil // it would be as large the next time
	} else if err != nil {
		return http.StatusBadRequest
	}
	elsewhere, err := h.kept.Elsewhere(r.Context(), bot)
	switch {
	case err != nil:
	case elsewhere:
		err = h.kept.Keep(r.Context(), bot, update)
	default:
		err = h.handOver(r.Context(), bot, update)
	}
	if err != nil {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// secretOf is what Telegram shows to prove that it calls for a bot: who the bot is, and
// what only this program could have told it.
func (h *hooks) secretOf(bot int64) string {
	id := strconv.FormatInt(bot, 10)
	return id + "_" + h.box.Hash("telegram webhook", id)
}

// caller returns the bot whose secret that is.
func (h *hooks) caller(shown string) (bot int64, ok bool) {
	id, _, _ := strings.Cut(shown, "_")
	bot, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, false
	}
	return bot, subtle.ConstantTimeCompare([]byte(shown), []byte(h.secretOf(bot))) == 1
}

// handOver waits until the bot has dealt with an update.
func (h *hooks) handOver(ctx context.Context, bot int64, update json.RawMessage) error {
	ctx, done := context.WithTimeout(ctx, callPatience)
	defer done()
	late := time.NewTimer(h.times.wait)
	defer late.Stop()
	c := &call{update, make(chan error, 1)}
	h.add(bot, c)
	select {
	case err := <-c.done:
		return err
	case <-late.C:
		if h.takeBack(bot, c) {
			return errNotAtWork
		}
	case <-ctx.Done():
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		h.takeBack(bot, c)
		return ctx.Err()
	}
}

// line returns that of a bot. h.mu is held.
func (h *hooks) line(bot int64) *line {
	if h.lines[bot] == nil {
		h.lines[bot] = &line{}
	}
	return h.lines[bot]
}

// tidy drops the line of a bot where nothing is known of it. h.mu is held.
func (h *hooks) tidy(bot int64) {
	if l := h.lines[bot]; l != nil && l.listen == nil && len(l.calls) == 0 {
		delete(h.lines, bot)
	}
}

// add has a call wait for its bot, and wakes that.
func (h *hooks) add(bot int64, c *call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.line(bot)
	l.calls = append(l.calls, c)
	if l.listen != nil {
		l.listen.wake()
	}
}

// takeBack has a call wait no more, and tells whether it still did.
func (h *hooks) takeBack(bot int64, c *call) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.line(bot)
	i := slices.Index(l.calls, c)
	if i >= 0 {
		l.calls = slices.Delete(l.calls, i, i+1)
	}
	h.tidy(bot)
	return i >= 0
}

// next takes the next call to a bot; nil where none waits.
func (h *hooks) next(bot int64) *call {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.lines[bot]
	if l == nil || len(l.calls) == 0 {
		return nil
	}
	c := l.calls[0]
	if l.calls = l.calls[1:]; len(l.calls) == 0 {
		l.calls = nil // an idle bot costs no memory
	}
	h.tidy(bot)
	return c
}

// await has wake called when calls wait for a bot, until leave is called; at once where there
// are some.
func (h *hooks) await(bot int64, wake func()) (leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, own := h.line(bot), &listener{wake}
	if l.listen = own; len(l.calls) > 0 {
		wake()
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if l.listen == own { // or another has begun to listen in its place
			l.listen = nil
			h.tidy(bot)
		}
	}
}

// setLost notes whether another program has a bot's webhook.
func (h *hooks) setLost(bot int64, lost bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if lost {
		h.lost[bot] = true
	} else {
		delete(h.lost, bot)
	}
}

func (h *hooks) isLost(bot int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lost[bot]
}
