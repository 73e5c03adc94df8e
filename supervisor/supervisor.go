// Package supervisor keeps every bot running: it starts and stops them as the
// database says, restarts those that fail, each on its own backoff, and hands
// each its deliveries.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
)

// pollEvery is how often the database is asked for bots that another process
// without a connection to the queue (ticketfrei city add) has made.
const pollEvery = time.Second

// stopTimeout bounds how long sends under way may take when the program stops.
const stopTimeout = 5 * time.Second

// Options is what a Supervisor needs.
type Options struct {
	DB        *db.DB
	Queue     *queue.Queue
	Networks  map[string]bots.Network // by name
	Attention Attention
	// Notices are listened to, and told what other processes have changed.
	Notices *notice.Board
	Relay   bots.Relay
	Texts   *i18n.Catalogue
	Expire  time.Duration // reports.expire
	Log     *slog.Logger
	Now     func() time.Time
	Metrics prometheus.Registerer
	// Backoff is how long a failed bot waits before its first restart; it
	// doubles with each failure in a row up to 5 minutes. 0 means 1 s.
	Backoff time.Duration
}

// Attention tells the moderators of a bot that only they can mend it.
type Attention interface {
	// Tell says that the credentials of b were refused. reason is what the
	// network said, in the language of the city.
	Tell(ctx context.Context, b report.Bot, reason string) error
}

// Supervisor runs the bots of this process.
type Supervisor struct {
	Options
	metrics *metrics
	logs    *logWriter

	mu      sync.Mutex
	runners map[int64]*runner
	stopped bool

	turns   turns
	changes *changes

	// Apart from mu: who retires a runner gives deliveries back with mu held.
	holdMu  sync.Mutex
	holding map[string]bool // ids of the deliveries that runners hold

	// receiving ends first when the program stops, sending after the sends
	// under way have ended.
	receiving context.Context
	sending   context.Context
	group     sync.WaitGroup
}

// New returns a Supervisor; Run starts it.
func New(o Options) *Supervisor {
	if o.Backoff == 0 {
		o.Backoff = time.Second
	}
	s := &Supervisor{Options: o, runners: make(map[int64]*runner), holding: make(map[string]bool),
		turns: make(turns, startingAtOnce), changes: newChanges()}
	s.metrics = newMetrics(o.Metrics, s.countStates)
	s.logs = newLogWriter(o.DB, o.Texts)
	return s
}

// Run starts every bot that is switched on and the servers of the networks,
// and hands out deliveries until ctx ends. Then it stops taking in, lets sends
// under way end (at most 5 s) and returns.
func (s *Supervisor) Run(ctx context.Context) error {
	receiving, stopReceiving := context.WithCancel(ctx)
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	s.receiving, s.sending = receiving, sending
	defer stopSending()
	defer stopReceiving()

	s.logs.start()
	defer s.logs.stop()
	defer s.Notices.OnChanged(s.changes.add)()
	if err := s.startAll(receiving); err != nil && ctx.Err() == nil {
		return err
	}
	s.serveNetworks(receiving)
	s.group.Go(func() { s.watchStart(receiving) })
	s.group.Go(func() { s.followChanges(receiving) })
	s.group.Go(func() { s.poll(receiving) })

	err := s.Queue.ConsumeDeliveries(receiving, s.dispatch)
	stopReceiving()
	s.stopAll(stopSending)
	return err
}

// startAll starts every bot that is switched on.
func (s *Supervisor) startAll(ctx context.Context) error {
	all, err := s.DB.EnabledBots(ctx)
	if err != nil {
		return fmt.Errorf("start bots: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range all {
		s.start(b, nil)
	}
	return nil
}

// startGC is GOGC while bots start.
const startGC = 50

// collectOften has the collector run twice as often until normally is called:
// what stays of a start lies closer together then. With 10,000 cities that is
// 60 MB.
func collectOften() (normally func()) {
	percent := debug.SetGCPercent(startGC)
	if percent < startGC { // the operator wants it so
		debug.SetGCPercent(percent)
	}
	return func() { debug.SetGCPercent(percent) }
}

// connecting is how long bots get to connect after their start.
const connecting = 5 * time.Second

// watchStart collects often while bots start, and gives back the memory that
// starting took when all have had their turn. What starts has deep stacks and
// leaves much behind, what waits makes so little garbage that it would be minutes
// until the collector runs.
func (s *Supervisor) watchStart(ctx context.Context) {
	defer collectOften()()
	done, err := s.turns.take(ctx) // turns are given out in the order they were asked for
	if err != nil {
		return
	}
	done()
	select {
	case <-ctx.Done():
	case <-time.After(connecting):
		runtime.GC() // each halves the stacks that are too large
		debug.FreeOSMemory()
	}
}

// start starts the runner of b, which receives once before is closed (nil: at
// once). s.mu is held.
func (s *Supervisor) start(b report.Bot, before <-chan struct{}) *runner {
	network, ok := s.Networks[b.Network]
	if !ok {
		s.Log.Warn("a bot of a network that this program does not have is left alone", "bot", b.ID, "network", b.Network)
		return nil
	}
	r := newRunner(s, network, b)
	r.before = before
	s.runners[b.ID] = r
	s.group.Go(r.receiveLoop)
	return r
}

// followChanges brings the bots of the cities that were changed to what the
// database says, until ctx ends.
func (s *Supervisor) followChanges(ctx context.Context) {
	for ctx.Err() == nil {
		for _, cityID := range s.changes.take(ctx) {
			if err := s.reconcile(ctx, cityID); err != nil && ctx.Err() == nil {
				s.Log.Error("a change of a city could not be read, trying again", "city", cityID, "err", err)
				time.AfterFunc(time.Second, func() { s.changes.add(cityID) })
			}
		}
	}
}

func (s *Supervisor) reconcile(ctx context.Context, cityID int64) error {
	want, err := s.DB.CityBots(ctx, cityID)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	wanted := make(map[int64]bool, len(want))
	for _, b := range want {
		if !b.Enabled {
			continue
		}
		wanted[b.ID] = true
		s.replace(b)
	}
	for id, r := range s.runners {
		if r.bot.CityID == cityID && !wanted[id] {
			r.retire()
			delete(s.runners, id)
		}
	}
	return nil
}

// replace starts b anew, unless it runs as it is. s.mu is held.
func (s *Supervisor) replace(b report.Bot) {
	old := s.runners[b.ID]
	switch {
	case old == nil:
		s.start(b, nil)
	case !old.bot.Updated.Equal(b.Updated):
		old.retire()
		s.start(b, old.ended)
	}
}

// poll finds the bots that other processes made or changed.
func (s *Supervisor) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	since := s.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.Now()
		// Clocks of two processes differ a little, and a commit takes a moment.
		list, err := s.DB.BotsUpdatedSince(ctx, since.Add(-2*pollEvery))
		if err != nil {
			if ctx.Err() == nil {
				s.Log.Error("the database could not be asked for changed bots", "err", err)
			}
			continue
		}
		since = now
		for _, cityID := range s.stale(list) {
			s.Notices.Changed(cityID)
		}
	}
}

// stale returns the cities of those bots that do not run as list says.
func (s *Supervisor) stale(list []report.Bot) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var cities []int64
	seen := make(map[int64]bool)
	for _, b := range list {
		r := s.runners[b.ID]
		same := r == nil && !b.Enabled || r != nil && b.Enabled && r.bot.Updated.Equal(b.Updated)
		if !same && !seen[b.CityID] {
			seen[b.CityID] = true
			cities = append(cities, b.CityID)
		}
	}
	return cities
}

// dispatch puts a delivery into the mailbox of its bot. It never waits for a
// bot: what does not fit comes again a little later.
func (s *Supervisor) dispatch(m message) {
	if !s.hold(m.Body.ID) {
		m.Later(shortWait(m.Attempt)) // the database will know what became of it
		return
	}
	r, err := s.runner(m.Body.BotID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		s.metrics.deliveries.WithLabelValues(m.Body.Network, "dropped").Inc()
		s.done(m) // the bot was switched off or disconnected
	case err != nil:
		s.Log.Error("the bot of a delivery could not be found, trying again", "bot", m.Body.BotID, "err", err)
		s.later(m, time.Second)
	default:
		if wait, ok := r.put(m); !ok {
			s.later(m, wait)
		}
	}
}

// runner returns the runner of a bot, started where another process made the
// bot a moment ago. The error is db.ErrNotFound where the bot is not there or
// is switched off.
func (s *Supervisor) runner(botID int64) (*runner, error) {
	s.mu.Lock()
	r := s.runners[botID]
	s.mu.Unlock()
	if r != nil {
		return r, nil
	}
	b, err := s.DB.Bot(s.receiving, botID)
	if err != nil {
		return nil, err
	}
	if !b.Enabled {
		return nil, db.ErrNotFound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runners[botID]; r != nil {
		return r, nil
	}
	if r := s.start(b, nil); r != nil {
		return r, nil
	}
	return nil, db.ErrNotFound
}

// hold notes that a delivery is in our hands; it is false where it was already: a
// report that was judged again after a crash has its deliveries in the queue twice.
func (s *Supervisor) hold(id string) bool {
	s.holdMu.Lock()
	defer s.holdMu.Unlock()
	if s.holding[id] {
		return false
	}
	s.holding[id] = true
	return true
}

func (s *Supervisor) letGo(id string) {
	s.holdMu.Lock()
	defer s.holdMu.Unlock()
	delete(s.holding, id)
}

func (s *Supervisor) done(m message) {
	m.Done()
	s.letGo(m.Body.ID)
}

func (s *Supervisor) later(m message, d time.Duration) {
	s.letGo(m.Body.ID)
	m.Later(d)
}

// stopAll waits until the sends under way and the Receive loops have ended,
// at most stopTimeout for each, and puts back what was not sent.
func (s *Supervisor) stopAll(stopSending context.CancelFunc) {
	s.mu.Lock()
	s.stopped = true
	for _, r := range s.runners {
		r.retire()
	}
	s.mu.Unlock()
	if s.waitGroup(stopTimeout) {
		return
	}
	stopSending()
	if !s.waitGroup(time.Second) {
		s.Log.Warn("some bots did not stop in time and are left behind")
	}
}

func (s *Supervisor) waitGroup(d time.Duration) bool {
	ended := make(chan struct{})
	go func() {
		s.group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-time.After(d):
		return false
	}
}
