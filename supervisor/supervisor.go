// Package supervisor keeps every bot running: it starts and stops them as the
// database says, restarts those that fail, each on its own backoff, and hands
// each its deliveries.
package supervisor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/bus"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// stopTimeout bounds how long sends under way may take when the program stops.
const stopTimeout = 5 * time.Second

// Options is what a Supervisor needs.
type Options struct {
	DB        *db.DB
	Networks  map[string]bots.Network // by name
	Attention Attention
	// Notices are listened to, and told what other processes have changed.
	Notices *notice.Board
	Hearer  bots.Hearer
	Bus     *bus.Bus // is told how the bots are doing; nil: nobody is
	Texts   *i18n.Catalogue
	Expire  time.Duration // reports.expire
	Log     *slog.Logger
	Now     func() time.Time
	Metrics prometheus.Registerer
	// Backoff is how long a failed bot waits before its first restart; it
	// doubles with each failure in a row up to half a minute. 0 means 1 s.
	Backoff  time.Duration
	Refusals Refusals
}

// Attention tells the moderators of a bot whether it needs them.
type Attention interface {
	// Tell says that b is refused and only they can mend that. reason is what the
	// network said, in the language of the city.
	Tell(ctx context.Context, b report.Bot, reason string) error
	// Over says that b works again.
	Over(ctx context.Context, b report.Bot) error
}

// Supervisor runs the bots of this process.
type Supervisor struct {
	Options
	metrics *metrics
	logs    *logWriter

	mu       sync.Mutex // before those of outboxes
	runners  map[int64]*runner
	outboxes map[int64]*outbox // of bots that have something to send
	stopped  bool

	outcomes  *outcomes
	outages   *outages
	takenBack sync.Map // reports that were taken back, by seq
	wiped     sync.Map // by city: the seq up to which its reports are gone
	starts    *starts
	turns     turns
	changes   *changes
	elsewhere *changes        // cities in which another process has done something
	shards    [db.Shards]work // where cities are shared between processes
	began     chan struct{}   // closed when Run has begun
	guests    *guests

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
	o.Refusals = o.Refusals.withDefaults()
	s := &Supervisor{Options: o, runners: make(map[int64]*runner), outboxes: make(map[int64]*outbox),
		starts: newStarts(), turns: make(turns, startingAtOnce), changes: newChanges(), elsewhere: newChanges(), began: make(chan struct{}), guests: newGuests()}
	s.outcomes = newOutcomes(s)
	s.outages = newOutages(s)
	s.metrics = newMetrics(o.Metrics, s)
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

	stopStoring := s.startStoring()
	defer stopStoring()
	s.logs.start()
	defer s.logs.stop()
	defer s.Notices.OnChanged(s.changes.add)()
	defer s.Notices.OnElsewhere(s.toldElsewhere)()
	elsewhere, err := s.DB.FollowElsewhere(receiving) // before bots are read
	if err == nil {
		err = s.startAll(receiving)
	}
	if err != nil && ctx.Err() == nil {
		return err
	}
	close(s.began)
	s.serveNetworks(receiving)
	s.group.Go(func() { s.startInTurn(receiving) })
	s.group.Go(func() { s.followChanges(receiving) })
	s.group.Go(func() { s.followElsewhere(receiving) })
	s.group.Go(func() { s.poll(receiving, elsewhere) })
	s.group.Go(func() { s.expire(receiving) })
	if s.DB.OnServer() {
		s.group.Go(func() { s.spread(receiving) })
	}
	<-receiving.Done()
	s.stopAll(stopSending)
	return nil
}

// startStoring stores what becomes of deliveries until stop is called.
func (s *Supervisor) startStoring() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var storing sync.WaitGroup
	storing.Go(func() { s.outcomes.run(ctx) })
	return func() {
		cancel()
		storing.Wait()
	}
}

// stopAll waits until the sends under way and the Receive loops have ended,
// at most stopTimeout for each. What was not sent stays in the database.
func (s *Supervisor) stopAll(stopSending context.CancelFunc) {
	s.mu.Lock()
	s.stopped = true
	for _, r := range s.runners {
		s.detach(r)
	}
	s.mu.Unlock()
	for _, b := range s.guestsWhere(func(*outbox) bool { return true }) {
		s.dismiss(b)
	}
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
