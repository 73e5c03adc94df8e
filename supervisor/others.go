package supervisor

import (
	"context"
	"math"
	"time"

	"ticketfrei/internal/notice"
)

// othersEvery is how often it is looked whether other processes have something for the bots
// of this one to send, or to take back. Mostly they have told of it before.
const othersEvery = 10 * time.Second

// followOthers follows what other processes do with the reports of our cities, as letting
// one through or taking it back, until ctx ends.
func (s *Supervisor) followOthers(ctx context.Context) {
	told := newChanges()
	defer s.Notices.OnElsewhere(func(n notice.Notice) {
		if n.Kind == notice.Passed && (n.ID == notice.All || s.DB.Owns(n.ID)) {
			told.add(n.ID)
		}
	})()
	tick := time.NewTicker(othersEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		cities := []int64{notice.All}
		select {
		case <-ctx.Done():
			return
		case <-told.some:
			cities = told.all()
		case <-tick.C:
		}
		for _, cityID := range cities {
			if err := s.followCity(ctx, cityID); err != nil && ctx.Err() == nil {
				s.Log.Warn("what other processes have to be sent is looked for again", "city", cityID, "err", err)
			}
		}
	}
}

// followCity has the bots of a city, or all that have something to send, look for that, and
// sends nothing any more that is not to be sent.
func (s *Supervisor) followCity(ctx context.Context, cityID int64) error {
	taken, err := s.DB.TakenBackSince(ctx, cityID, s.Expire)
	if err != nil {
		return err
	}
	for _, seq := range taken {
		s.takenBack.Store(seq, true)
	}
	if cityID == notice.All {
		waiting, err := s.DB.BotsToSend(ctx)
		for _, id := range waiting {
			s.look(id)
		}
		return err
	}
	city, err := s.DB.BriefCity(ctx, cityID)
	if err == nil && !city.Paused.IsZero() {
		s.dropAll(cityID)
	}
	s.lookAll(cityID)
	return err
}

// dropAll sends nothing any more of what bots of a city have in hand: it was stopped.
func (s *Supervisor) dropAll(cityID int64) {
	last := int64(math.MinInt64)
	s.mu.Lock()
	for id, r := range s.runners {
		if b := s.outboxes[id]; b != nil && r.bot.CityID == cityID {
			last = max(last, b.newest())
		}
	}
	s.mu.Unlock()
	s.Wiped(cityID, last)
}

// newest is the newest report of which something is in hand.
func (b *outbox) newest() (seq int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.rows {
		seq = max(seq, w.Seq)
	}
	return seq
}
