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

// maxBackoff is the longest a failed bot waits for its restart. One that ran
// for longer than that starts again with the shortest wait.
const maxBackoff = 5 * time.Minute

// startTimeout bounds how long a bot may take to be made and checked.
const startTimeout = 60 * time.Second

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
	before  <-chan struct{} // closed when the runner it replaces has stopped receiving; nil where it replaces none
	ended   chan struct{}   // closed when it has stopped receiving
	// failedBefore belongs to receiveLoop.
	failedBefore bool

	made    atomic.Pointer[made] // nil until the bot was made
	refused atomic.Bool          // its credentials were refused: only a moderator can help
	senders int                  // guarded by the outbox

	mu       sync.Mutex
	panicked map[string]bool

	health health
}

// made is a bot that was made, and how many of its sends may run at once.
type made struct {
	bot         bots.Bot
	concurrency int
}

// newRunner returns the runner of b; before may be nil.
func newRunner(s *Supervisor, network bots.Network, b report.Bot, before <-chan struct{}) *runner {
	ctx, stop := context.WithCancel(s.receiving)
	r := &runner{
		sup: s, network: network, bot: b, ctx: ctx, stop: stop, before: before,
		log:      slog.New(s.logs.handler(s.Log, b)),
		panicked: make(map[string]bool),
		ended:    make(chan struct{}),
		health:   health{state: b.State, lastError: b.LastError},
	}
	r.refused.Store(b.State == report.BotAttention)
	return r
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

// receiveLoop runs the bot's Receive, again and again with a growing pause,
// until the runner is retired, the bot has nothing to receive or its
// credentials are refused.
func (r *runner) receiveLoop() {
	defer close(r.ended)
	r.waitForPredecessor()
	for failures := 0; ; failures++ {
		began := r.sup.Now()
		err := r.receiveOnce()
		if r.ctx.Err() != nil || err == nil {
			return
		}
		if r.sup.Now().Sub(began) > maxBackoff {
			failures = 0
		}
		pause, again := r.failedToReceive(err, backoff.Wait(r.sup.Backoff, failures, maxBackoff))
		if !again {
			return
		}
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
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

// receiveOnce makes the bot, checks it and runs Receive. A panic is an error.
func (r *runner) receiveOnce() (err error) {
	defer r.recovered(&err)
	instance, err := r.startBot()
	if err != nil {
		return err
	}
	if !r.failedBefore {
		r.isWell()
	} else {
		// One that fails again and again is not shown as working in between.
		recovered := time.AfterFunc(wellAfter, r.isWell)
		defer recovered.Stop()
	}
	err = instance.Receive(bots.WithStanding(r.ctx, r.stand), func(ctx context.Context, in bots.Incoming) error {
		return r.sup.Hearer.Hear(ctx, r.bot, in)
	})
	if err == nil {
		r.isWell()
	}
	return err
}

// stand notes that the bot works with less than it could, or with all again.
func (r *runner) stand(limit error) {
	words := ""
	if limit != nil {
		words = r.words(limit)
	}
	r.setHealth(words, func(h *health) { h.running = true })
}

// isWell notes that the bot has started and receives.
func (r *runner) isWell() {
	r.setHealth("", func(h *health) { h.running, h.refused, h.cannotReceive = true, false, false })
	if r.refused.CompareAndSwap(true, false) {
		r.sup.kick(r.bot.ID)
	}
}

// startBot makes the bot and checks it when its turn has come.
func (r *runner) startBot() (bots.Bot, error) {
	done, err := r.sup.turns.take(r.ctx)
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

// failedToReceive records why the bot stopped and returns how long to wait before
// its restart, and whether there is one.
func (r *runner) failedToReceive(err error, pause time.Duration) (time.Duration, bool) {
	kind, after := bots.KindOf(err)
	switch kind {
	case bots.KindRefused:
		r.needsAttention(err)
		return 0, false
	case bots.KindRetryAfter:
		pause = after
	}
	r.failedBefore = true
	r.sup.metrics.restarts.WithLabelValues(r.bot.Network).Inc()
	r.log.Warn("supervisor.log.restart", "err", err, "in", pause.Round(time.Millisecond))
	r.setHealth(r.words(err), func(h *health) { h.cannotReceive, h.restarted = true, true })
	return pause, true
}

// needsAttention stops the bot until a moderator has changed something, and
// tells the moderators: once, not again when the program is restarted.
func (r *runner) needsAttention(err error) {
	r.log.Error("supervisor.log.refused", "err", err)
	r.refused.Store(true)
	before := r.setHealth(r.words(err), func(h *health) { h.refused = true })
	r.sup.giveBack(r)
	if before == report.BotAttention {
		return
	}
	if err := r.sup.Attention.Tell(context.WithoutCancel(r.ctx), r.bot, r.words(err)); err != nil {
		r.sup.Log.Error("the moderators of a bot could not be told", "bot", r.bot.ID, "err", err)
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
	if len(r.panicked) >= maxPanics {
		clear(r.panicked)
	}
	r.panicked[kind] = true
	return true
}
