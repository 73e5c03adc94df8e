package supervisor

import (
	"time"

	"ticketfrei/db"
)

// readAtOnce is how many rows are asked for beyond those in hand.
const readAtOnce = 32

// readRetry is how long to wait when the database cannot be asked.
const readRetry = time.Second

// read asks the database for rows. The lock is let go meanwhile, so the answer may
// be older than what is known of a row: that of rows in hand, and of those that
// have left it since, is dropped.
func (b *outbox) read() {
	b.reading, b.unread, b.released = true, false, make(map[int64]bool)
	now := b.sup.Now()
	until := now
	if until.Before(b.horizon) {
		until = b.horizon
	}
	limit, stalled, tried := readAtOnce+len(b.rows), b.stalled, b.tried
	b.mu.Unlock()
	var list []db.Fanout
	var more bool
	var next time.Time
	var err error
	if stalled {
		limit = limit - readAtOnce + 1
		list, err = b.sup.DB.FanoutsToTry(b.sup.sending, b.botID, until, tried, limit, b.has)
	} else {
		list, more, next, err = b.sup.DB.OpenFanouts(b.sup.sending, b.botID, until, limit, b.has)
	}
	b.mu.Lock()
	b.takeIn(list)
	b.reading, b.released = false, nil
	switch {
	case err != nil:
		if b.sup.sending.Err() == nil {
			b.sup.Log.Error("what a bot has to send could not be read, trying again", "bot", b.botID, "err", err)
		}
		b.wait(now, readRetry)
	case more:
		b.unread = true
	case !next.IsZero():
		b.wait(next, next.Sub(until.Round(0)))
	}
	b.kick() // others have ended meanwhile, and this sender may be that of a former runner
}

// takeIn takes what was read in hand, where it is still new.
func (b *outbox) takeIn(list []db.Fanout) {
	if b.runner == nil {
		return // the next runner reads
	}
	for _, f := range list {
		if !b.released[f.ID] && !b.add(f) {
			b.unread = true
		}
	}
}

// has tells whether a row is in hand.
func (b *outbox) has(id int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rows[id] != nil
}
