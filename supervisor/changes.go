package supervisor

import (
	"context"
	"slices"
	"sync"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/notice"
	"ticketfrei/internal/report"
)

// changeRetry is how long a change waits that could not be read.
const changeRetry = time.Second

// changes are the cities that were changed and wait to be looked at, each once.
type changes struct {
	mu     sync.Mutex
	cities []int64
	some   chan struct{} // has one signal while there are some
}

func newChanges() *changes { return &changes{some: make(chan struct{}, 1)} }

// add notes that a city was changed. It never waits.
func (c *changes) add(cityID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.cities, cityID) {
		return
	}
	c.cities = append(c.cities, cityID)
	signal(c.some)
}

// take waits for changed cities; it returns none when ctx ends.
func (c *changes) take(ctx context.Context) []int64 {
	select {
	case <-ctx.Done():
		return nil
	case <-c.some:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cities := c.cities
	c.cities = nil
	return cities
}

// followChanges brings the bots of the cities that were changed to what the
// database says, until ctx ends.
func (s *Supervisor) followChanges(ctx context.Context) {
	for ctx.Err() == nil {
		for _, cityID := range s.changes.take(ctx) {
			if err := s.reconcile(ctx, cityID); err != nil && ctx.Err() == nil {
				if !db.Unavailable(err) {
					s.Log.Error("a change of a city could not be read, trying again", "city", s.DB.Slug(ctx, cityID), "err", err)
				}
				time.AfterFunc(changeRetry, func() { s.changes.add(cityID) })
			}
		}
	}
}

// reconcile starts the bots of a city, or of all, that are switched on, and stops its
// others.
func (s *Supervisor) reconcile(ctx context.Context, cityID int64) error {
	list, err := s.botsOf(ctx, cityID)
	if err != nil {
		return err
	}
	if err := s.noteDropped(ctx, list); err != nil {
		return err
	}
	s.reconcileGuests(cityID, list)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	on := make(map[int64]bool, len(list))
	for _, b := range list {
		if b.Enabled {
			on[b.ID] = true
			s.replace(b)
		}
	}
	for id, r := range s.runners {
		if notice.Concerns(cityID, r.bot.CityID) && !on[id] {
			s.switchOff(r)
		}
	}
	return nil
}

// noteDropped looks which rows in hand of bots that were changed are not in the database any
// more: an operator may have thrown them away.
func (s *Supervisor) noteDropped(ctx context.Context, list []report.Bot) error {
	for _, b := range list {
		box, ids := s.rowsOf(b)
		if len(ids) == 0 {
			continue
		}
		there, err := s.DB.FanoutsThere(ctx, ids)
		if err != nil {
			return err
		}
		box.mu.Lock()
		for _, id := range ids {
			if w := box.rows[id]; w != nil && !slices.Contains(there, id) {
				w.gone = true
			}
		}
		box.mu.Unlock()
	}
	return nil
}

// rowsOf returns what is in hand of a bot that is another than the one that runs.
func (s *Supervisor) rowsOf(b report.Bot) (box *outbox, ids []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.runners[b.ID]
	if box = s.outboxes[b.ID]; box == nil || r == nil || r.bot.Version == b.Version {
		return nil, nil
	}
	box.mu.Lock()
	defer box.mu.Unlock()
	for id := range box.rows {
		ids = append(ids, id)
	}
	return box, ids
}

// botsOf returns the bots of a city, or of all, that are switched on; none of a city that is
// off.
func (s *Supervisor) botsOf(ctx context.Context, cityID int64) ([]report.Bot, error) {
	if cityID == notice.All {
		return s.DB.EnabledBots(ctx)
	}
	return s.DB.EnabledCityBots(ctx, cityID)
}

// switchOff stops the runner of a bot that is off. s.mu is locked.
func (s *Supervisor) switchOff(r *runner) {
	s.detach(r)
	delete(s.runners, r.bot.ID)
	s.publish(r.bot, report.BotOff)
	s.Notices.State(r.bot.ID)
	if box := s.outboxes[r.bot.ID]; box != nil {
		box.close()
	}
}

// replace starts b, in place of its former run where it was changed since. s.mu
// is locked.
func (s *Supervisor) replace(b report.Bot) {
	old := s.runners[b.ID]
	switch {
	case !s.DB.Owns(b.CityID): // whose bots another process starts
	case old == nil:
		s.publish(b, b.State)
		s.Notices.State(b.ID)
		s.takeOver(s.start(b, nil))
	case old.bot.Version != b.Version:
		s.detach(old)
		s.takeOver(s.start(b, old))
	}
}

// takeOver has a runner, which may be nil, send what its bot has to. s.mu is
// locked.
func (s *Supervisor) takeOver(r *runner) {
	if r != nil {
		s.outbox(r.bot).attach(r)
	}
}
