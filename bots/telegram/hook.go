package telegram

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/time/rate"

	"ticketfrei/bots"
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
	// callAgain is when Telegram should try again what was not taken.
	callAgain = 3 * time.Second
)

// hooks is where Telegram calls all bots: each call finds its bot by the secret that it
// brings, and is answered when the bot has dealt with it.
type hooks struct {
	url   string // that Telegram calls
	box   *secret.Box
	log   *slog.Logger
	say   rate.Sometimes // what goes wrong for all bots alike is said once in a while
	times hookTimes

	mu    sync.Mutex
	lines map[int64]*line // by bot
	// lost are the bots whose webhook another program has set again and again. It
	// gets what is written until it stops.
	lost map[int64]bool
}

// hookTimes are the durations that tests make shorter.
type hookTimes struct {
	// look is how long after the webhook was set Telegram is asked whether it works,
	// and every how often it is asked afterwards, on average.
	look, every time.Duration
	// again is how long a bot polls until the webhook is tried again.
	again time.Duration
}

func newHooks(h bots.Host) *hooks {
	return &hooks{
		url: hookURL(h.Config), box: h.Secrets, log: h.Log, say: rate.Sometimes{Interval: time.Hour},
		times: hookTimes{look: time.Minute, every: 10 * time.Minute, again: time.Hour},
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

// line is the way to one bot at work.
type line struct {
	calls chan call
	over  chan struct{} // closed when the bot does not work any more
}

// call is one update on its way to a bot.
type call struct {
	update json.RawMessage // nil where it was too large to be read
	done   chan error      // has room for one: nil when what follows is on disk
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
	if err := h.handOver(r.Context(), bot, update); err != nil {
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

// errNotAtWork is a call for a bot that does not hear at the moment.
var errNotAtWork = errors.New("the bot is not at work")

// handOver waits until the bot has dealt with an update.
func (h *hooks) handOver(ctx context.Context, bot int64, update json.RawMessage) error {
	ctx, done := context.WithTimeout(ctx, callPatience)
	defer done()
	l := h.lineOf(bot)
	if l == nil {
		return errNotAtWork
	}
	c := call{update, make(chan error, 1)}
	select {
	case l.calls <- c:
	case <-l.over:
		return errNotAtWork
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.done:
		return err
	case <-l.over:
		return errNotAtWork
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hooks) lineOf(bot int64) *line {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lines[bot]
}

// open opens the line to a bot; hangUp closes it.
func (h *hooks) open(bot int64) (l *line, hangUp func()) {
	l = &line{calls: make(chan call), over: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines[bot] = l
	return l, func() {
		close(l.over)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.lines[bot] == l {
			delete(h.lines, bot)
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
