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

// watchStart collects often while bots start, and gives back the memory that
// starting took when all have had their turn. What starts has deep stacks and
// leaves much behind, what waits makes so little garbage that it would be minutes
// until the collector runs.
func (s *Supervisor) watchStart(ctx context.Context) {
	defer collect.Often(startGC)()
	done, err := s.turns.take(ctx) // turns are given out in the order they were asked for
	if err != nil {
		return
	}
	done()
	select {
	case <-ctx.Done():
	case <-time.After(connecting):
		runtime.GC() // this and the next each halve the stacks that are too large
		debug.FreeOSMemory()
	}
}

// startGC is GOGC while bots start: what stays of a start lies closer together then.
const startGC = 50

// start starts the runner of b, which receives once the former one, where there is one,
// has stopped. s.mu is locked.
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
	s.group.Go(r.run)
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
