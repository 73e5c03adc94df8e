package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/backoff"
	"ticketfrei/internal/report"
)

// maxBackoff is the longest a bot that cannot receive waits for its restart, but for
// jitter: after an outage it is back within half a minute. One that ran for longer than
// that starts again with the shortest wait.
const maxBackoff = 20 * time.Second

// longestWait bounds how long a network may ask a bot to wait that receives.
const longestWait = 15 * time.Minute

// startTimeout bounds how long a bot may take to be made and checked: a server that says
// nothing must not keep it from coming back within half a minute.
const startTimeout = 25 * time.Second

// predecessorTimeout bounds how long a bot that was changed waits for its
// former run to stop receiving.
const predecessorTimeout = 10 * time.Second

// wellAfter is how long a bot that failed must receive until it counts as
// working again.
const wellAfter = 2 * time.Second

// runner is one bot at work: the loop around its Receive, and who sends what is in
// its outbox.
type runner struct {
	sup     *Supervisor
	network bots.Network
	bot     report.Bot
	log     *slog.Logger
	stop    context.CancelFunc
	ctx     context.Context // of receiving
	sending context.Context // ends when nothing of the bot may be sent any more
	guest   bool            // another process works for its city: see guests
	before  <-chan struct{} // closed when the runner it replaces has stopped receiving; nil where it replaces none
	ended   chan struct{}   // closed when it has stopped receiving
	// What belongs to receiveLoop: whether it failed before, how long it took to be
	// refused the last time, how often in a row it has failed, and what it is at.
	failedBefore bool
	refusedAfter time.Duration
	failures     int
	session      *session // nil before the bot is made and after it has received
	turn         func()   // ends the first turn, which it has had to wait for; nil later

	made      atomic.Pointer[made] // nil until the bot was made
	suspended atomic.Bool          // it was refused, and sends nothing until its login is accepted
	senders   int                  // guarded by the outbox

	mu       sync.Mutex
	panicked map[string]bool
	pending  bool               // it waits for its first turn
	looping  bool               // receiveLoop runs or will, or the bot rests
	resting  *time.Timer        // ends a rest at the latest; nil while the bot does not rest
	woken    bool               // the bot is not to rest: there is something to do
	doubted  bool               // the login is to be checked once more
	leave    context.CancelFunc // ends Receive; nil outside of it
	sendFrom time.Time          // when to send again once the login is accepted
	resuming *time.Timer        // which does that

	health health
}

// made is a bot that was made, and how many of its sends may run at once.
type made struct {
	bot         bots.Bot
	concurrency int
}

// newRunner returns the runner of b, which receives and sends until those end.
func newRunner(s *Supervisor, b report.Bot, receiving, sending context.Context) *runner {
	ctx, stop := context.WithCancel(receiving)
	r := &runner{
		sup: s, network: s.Networks[b.Network], bot: b, ctx: ctx, stop: stop, sending: sending,
		ended:   make(chan struct{}),
		looping: true,
		pending: true,
		health:  newHealth(b),
	}
	r.log = slog.New(s.logs.handler(s.Log, &r.bot))
	r.suspended.Store(b.State == report.BotAttention)
	return r
}

// follow has the runner be in the place of another.
func (r *runner) follow(former *runner) {
	r.before = former.ended
	r.health.told = r.health.told || former.wasTold()
}

// instance returns the bot; nil while it was not made.
func (r *runner) instance() bots.Bot {
	if m := r.made.Load(); m != nil {
		return m.bot
	}
	return nil
}

func (r *runner) concurrency() int {
	if m := r.made.Load(); m != nil {
		return m.concurrency
	}
	return 1
}

// waitForPredecessor keeps two runners of one bot from receiving at the same
// time, which some networks refuse; one that does not stop is not waited for
// for ever.
func (r *runner) waitForPredecessor() {
	if r.before == nil {
		return
	}
	select {
	case <-r.before:
	case <-r.ctx.Done():
	case <-time.After(predecessorTimeout):
		r.log.Warn("supervisor.log.former")
	}
}

// isWell notes that the bot has started and receives.
func (r *runner) isWell() {
	r.setHealth("", func(h *health) {
		h.running, h.cannotReceive, h.receiving = true, false, refusals{}
	})
}

// isBack notes that the bot receives again, after it has failed. What could not be sent
// meanwhile is sent at once.
func (r *runner) isBack() {
	r.isWell()
	r.sup.sendAgain(r.bot.ID)
}

// stand notes that the bot works with less than it could, or with all again.
func (r *runner) stand(limit error) {
	words, before := "", ""
	if limit != nil {
		words = r.words(limit)
	}
	if bots.IsTrouble(limit) {
		r.setHealth(words, func(h *health) { before, h.ailment, h.ails, h.limit = h.ailment, words, true, "" })
		if words != before { // it may say so again and again
			r.log.Warn("supervisor.log.ails", "err", limit)
		}
		return
	}
	r.setHealth("", func(h *health) { before, h.ailment, h.ails, h.limit = h.limit, "", false, words })
	switch {
	case words == before:
	case limit != nil:
		r.log.Info("the bot works with less than it could", "limit", bots.Words(limit, r.sup.logs.speak("en")), "err", limit)
	default:
		r.log.Info("the bot works with all it can again")
	}
}

// startBot makes the bot and checks it when its turn has come.
func (r *runner) startBot() (bots.Bot, error) {
	r.mu.Lock()
	r.doubted = false
	r.mu.Unlock()
	done, err := r.takeTurn()
	if err != nil {
		return nil, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(r.ctx, startTimeout)
	defer cancel()
	instance, err := r.makeBot(ctx)
	if err != nil {
		return nil, err
	}
	if c, ok := instance.(bots.Checker); ok {
		return instance, c.Check(ctx)
	}
	return instance, nil
}

// takeTurn waits until the bot may start, unless it has waited before it had a goroutine.
func (r *runner) takeTurn() (done func(), err error) {
	done = r.turn
	if r.turn = nil; done == nil {
		return r.sup.turns.take(r.ctx)
	}
	if err := r.ctx.Err(); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// makeBot makes the bot, also where there is one: its credentials may have
// changed, and one that panicked may be in any state.
func (r *runner) makeBot(ctx context.Context) (bots.Bot, error) {
	instance, err := r.network.Bot(ctx, r.bot, r.log)
	if err != nil {
		return nil, err
	}
	m := &made{instance, 1}
	if c, ok := instance.(bots.Concurrent); ok {
		m.concurrency = max(1, c.Concurrency())
	}
	r.made.Store(m)
	r.sup.kick(r.bot.ID)
	return instance, nil
}

// restartWait is how long a bot waits for its restart. What it took to fail is part of
// that.
func restartWait(first time.Duration, failures int, took time.Duration) time.Duration {
	pause := backoff.Wait(first, failures, maxBackoff)
	return max(pause-took, min(pause, first))
}

// failedToReceive records why the bot stopped and returns how long to wait before its
// restart.
func (r *runner) failedToReceive(err error, failures int, took time.Duration) (pause time.Duration) {
	pause = restartWait(r.sup.Backoff, failures, took)
	kind, after := bots.KindOf(err)
	if kind == bots.KindRetryAfter || kind == bots.KindLater {
		pause = min(after, longestWait)
	}
	r.failedBefore = true
	if kind == bots.KindRefused {
		r.refusedAfter = took
		return r.isRefused(err, func(h *health) *refusals {
			r.restarts(h, h.receiving.isFirst()) // to look once more is none
			return &h.receiving
		})
	}
	r.log.Warn("supervisor.log.restart", "err", err, "in", pause)
	r.setHealth(r.words(err), func(h *health) { r.restarts(h, true) })
	return pause
}

// restarts notes that the bot cannot receive; counts says whether that is one restart
// more.
func (r *runner) restarts(h *health, counts bool) {
	h.cannotReceive, h.ails, h.ailment, h.limit = true, false, "", ""
	if counts {
		h.restarted = true
		r.sup.metrics.restarts.WithLabelValues(r.bot.Network).Inc()
	}
}

// words puts an error into words for the moderators, in the language of the
// city.
func (r *runner) words(err error) string {
	return bots.Words(err, r.sup.logs.speaker(r.bot.CityID))
}

// recovered turns a panic of a bot into an error. The moderator reads the
// error, the operator finds the stack in the log, once for each kind of panic.
func (r *runner) recovered(err *error) {
	p := recover()
	if p == nil {
		return
	}
	*err = bots.Say(fmt.Errorf("panic: %v", p), "bots.error.internal")
	if r.isNewPanic((*err).Error()) {
		r.sup.Log.Error("a bot panicked", "bot", r.bot.ID, "network", r.bot.Network, "panic", p, "stack", string(debug.Stack()))
	}
}

// maxPanics bounds how many kinds of panics of a bot are remembered.
const maxPanics = 32

// isNewPanic remembers a kind of panic; it is false where it was known.
func (r *runner) isNewPanic(kind string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.panicked[kind] {
		return false
	}
	if r.panicked == nil || len(r.panicked) >= maxPanics {
		r.panicked = make(map[string]bool)
	}
	r.panicked[kind] = true
	return true
}
