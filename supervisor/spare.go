package supervisor

import (
	"context"
	"time"

	"ticketfrei/db"
)

// mayAct tells whether this process may send what is in the outbox: it works for the city,
// or holds what a guest has to send.
func (b *outbox) mayAct(cityID int64) bool {
	if b.guest != nil {
		return b.sup.DB.Holder() == b.holder
	}
	return b.sup.DB.Owns(cityID)
}

// takeSpare has this process hold some of what anybody may send. The lock is let go
// meanwhile.
func (b *outbox) takeSpare() {
	b.reading, b.spare, b.released = true, false, make(map[int64]bool)
	now := b.sup.Now()
	if now.Before(b.horizon) {
		now = b.horizon
	}
	b.mu.Unlock()
	list, err := b.askSpare(now, spareAtOnce)
	b.mu.Lock()
	b.reading, b.released = false, nil
	switch {
	case err != nil:
		if b.sup.sending.Err() == nil && !db.Unavailable(err) {
			b.sup.Log.Error("what a bot has to send could not be taken, trying again", "bot", b.botID, "err", err)
		}
	case len(list) == spareAtOnce:
		b.spare = true
	}
	b.takeInSpare(list)
	b.kick() // others have ended meanwhile
}

// askSpare takes at most limit fanouts, where there is room.
func (b *outbox) askSpare(due time.Time, limit int) ([]db.Fanout, error) {
	holder := b.sup.DB.Holder()
	if holder == "" || b.guest != nil && holder != b.holder || !b.sup.hasRoom(b) {
		return nil, nil
	}
	return b.sup.DB.TakeFanouts(b.sup.sending, holder, b.botID, due, limit)
}

// takeInSpare takes what was taken in hand, and lets go of what it cannot: there is no room
// any more, or one of them has just been let go and that is not known here yet.
func (b *outbox) takeInSpare(list []db.Fanout) {
	byHolder := make(map[string][]int64)
	for _, f := range list {
		if b.rows[f.ID] != nil || b.runner == nil || !b.add(f) {
			byHolder[f.Holder] = append(byHolder[f.Holder], f.ID)
		}
	}
	for holder, ids := range byHolder {
		b.sup.group.Go(func() { b.sup.free(holder, ids) })
	}
}

// free lets go of what is held.
func (s *Supervisor) free(holder string, ids []int64) {
	if err := s.DB.FreeFanouts(s.sending, holder, ids); err != nil && s.sending.Err() == nil {
		s.Log.Error("what this process holds and does not send could not be let go, trying again", "err", err)
	}
}

// compareHeld compares what holder, which is this process, holds with what is in hand: what
// is in hand and not held any more was taken back or deleted, and what is held and not in
// hand is let go.
func (s *Supervisor) compareHeld(ctx context.Context, holder string) error {
	boxes := s.boxesOfBots()
	before := make(map[int64]*outbox)
	for _, b := range boxes {
		b.addHeld(holder, before)
	}
	held, err := s.DB.HeldFanouts(ctx, holder)
	if err != nil {
		return err
	}
	for id, b := range before {
		if _, there := held[id]; !there {
			b.isGone(id)
		}
	}
	strays, old := make(map[int64]time.Time), []int64(nil)
	for id, botID := range held {
		since, known := s.guests.strays[id]
		switch {
		case s.isInHand(botID, id):
			continue
		case !known:
			since = time.Now()
		case time.Since(since) > strayFor:
			old = append(old, id)
		}
		strays[id] = since
	}
	if s.guests.strays = strays; len(old) > 0 {
		s.free(holder, old)
	}
	return nil
}

// boxesOfBots returns all outboxes, also those of guests.
func (s *Supervisor) boxesOfBots() (list []*outbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.outboxes {
		list = append(list, b)
	}
	for _, b := range s.guests.boxes {
		list = append(list, b)
	}
	return list
}

// addHeld adds what is in hand and held by holder.
func (b *outbox) addHeld(holder string, to map[int64]*outbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, w := range b.rows {
		if w.Spare && w.Holder == holder {
			to[id] = b
		}
	}
}

// isGone notes that a row is not to be sent any more.
func (b *outbox) isGone(id int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.rows[id]; w != nil {
		w.gone = true
	}
}

// isInHand tells whether a bot, here or as a guest, works on a fanout, or may be about to.
func (s *Supervisor) isInHand(botID, id int64) bool {
	s.mu.Lock()
	boxes := []*outbox{s.outboxes[botID], s.guests.boxes[botID]}
	s.mu.Unlock()
	for _, b := range boxes {
		if b != nil && b.hasOrReads(id) {
			return true
		}
	}
	return false
}

func (b *outbox) hasOrReads(id int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reading || b.rows[id] != nil
}
