package supervisor

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"ticketfrei/internal/collect"
	"ticketfrei/internal/report"
)

// startAll starts every bot that is switched on.
func (s *Supervisor) startAll(ctx context.Context) error {
	all, err := s.DB.EnabledBots(ctx)
	if err != nil {
		return fmt.Errorf("start bots: %w", err)
	}
	s.mu.Lock()
	for _, b := range all {
		s.start(b, nil)
	}
	s.mu.Unlock()
	waiting, err := s.DB.BotsToSend(ctx)
	if err != nil {
		return fmt.Errorf("start bots: %w", err)
	}
	for _, id := range waiting {
		s.look(id)
	}
	return nil
}

// connecting is how long bots get to connect after their start.
const connecting = 5 * time.Second

// manyStarts is how many bots that start together leave so much behind that it is worth
// to tidy up after them.
const manyStarts = 100

// startInTurn starts the bots that wait for it. While many start it collects often, and
// then gives back the memory that starting took; so it does when bots went to other
// processes. What starts has deep stacks and leaves
// much behind, what waits makes so little garbage that it would be minutes until the
// collector runs.
func (s *Supervisor) startInTurn(ctx context.Context) {
	normally, started, calm := collect.Often(startGC), 0, time.After(connecting)
	defer func() { normally() }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-calm:
			runtime.GC() // this and the next each halve the stacks that are too large
			debug.FreeOSMemory()
			normally()
			started, calm = 0, nil
		case <-s.starts.left:
			calm = time.After(connecting)
		case <-s.starts.some:
			if calm == nil && s.starts.count() >= manyStarts {
				normally = collect.Often(startGC)
			}
			if started += s.startWaiting(ctx); calm != nil || started >= manyStarts {
				calm = time.After(connecting)
			}
		}
	}
}

// startWaiting starts all bots that wait, and returns how many there were.
func (s *Supervisor) startWaiting(ctx context.Context) (n int) {
	for r := s.starts.next(); r != nil; r = s.starts.next() {
		done, err := s.turns.take(ctx)
		if err != nil {
			return n
		}
		r.begin(done)
		n++
	}
	return n
}

// startGC is GOGC while bots start: what stays of a start lies closer together then.
const startGC = 50

// start starts the runner of b in its turn. It receives once the former one, where there is
// one, has stopped. s.mu is locked.
func (s *Supervisor) start(b report.Bot, former *runner) *runner {
	if !s.DB.Owns(b.CityID) {
		return nil
	}
	if s.Networks[b.Network] == nil {
		s.Log.Warn("a bot of a network that this program does not have is left alone", "bot", b.ID, "network", b.Network)
		return nil
	}
	r := newRunner(s, b, s.receiving, s.sendingFor(b.CityID))
	if former != nil {
		r.follow(former)
	}
	s.runners[b.ID] = r
	s.starts.add(r)
	return r
}

// detach stops the runner: receiving at once; a send under way ends by itself. What
// is in its outbox stays in hand for the runner that comes after it. s.mu is
// locked.
func (s *Supervisor) detach(r *runner) {
	r.stop()
	r.wake()
	if box := s.outboxes[r.bot.ID]; box != nil {
		box.attach(nil)
	}
}
