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
	spare := b.runner != nil && b.sup.spreads(b.runner.bot.Network)
	ask := b.question(until, spare)
	b.mu.Unlock()
	list, more, next, err := ask()
	b.mu.Lock()
	b.takeIn(list)
	b.reading, b.released = false, nil
	b.spare = b.spare || spare && !b.stalled
	switch {
	case err != nil:
		if b.sup.sending.Err() == nil && !db.Unavailable(err) {
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

// question returns what asks the database for what is due, or, while the outbox is
// stalled, for what may try. spare says that anybody may send for the bot.
func (b *outbox) question(due time.Time, spare bool) func() (list []db.Fanout, more bool, next time.Time, err error) {
	ctx, inHand, tried := b.sup.sending, len(b.rows), b.tried
	if !b.stalled {
		return func() ([]db.Fanout, bool, time.Time, error) {
			return b.sup.DB.OpenFanouts(ctx, b.botID, due, readAtOnce+inHand, b.has)
		}
	}
	return func() (list []db.Fanout, more bool, next time.Time, err error) {
		list, err = b.sup.DB.FanoutsToTry(ctx, b.botID, due, tried, 1+inHand, b.has)
		if err == nil && len(list) == 0 && spare {
			list, err = b.askSpare(due, 1)
		}
		return list, false, time.Time{}, err
	}
}

// takeIn takes what was read in hand, where it is still new.
func (b *outbox) takeIn(list []db.Fanout) {
	for _, f := range list {
		switch {
		case f.Spare && f.Holder != "":
			b.takeInSpare([]db.Fanout{f})
		case b.runner == nil: // the next one reads
		case !b.released[f.ID] && !b.add(f):
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
