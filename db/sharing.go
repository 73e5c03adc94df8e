package db

import (
	"context"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
)

// givenAtOnce is how many shards are given up at the same time. Their bots are then
// started elsewhere in turn, and the others go on.
const givenAtOnce = 4

// share has every process work for about as many shards.
func (l *lease) share(ctx context.Context) error {
	_, err := l.conn.Exec(ctx, "DELETE FROM processes WHERE id IN (SELECT id FROM processes WHERE until <= "+msNow+" FOR UPDATE SKIP LOCKED)")
	if err != nil {
		return err
	}
	var living int
	if err := l.conn.QueryRow(ctx, "SELECT count(*) FROM processes").Scan(&living); err != nil {
		return err
	}
	l.living.Store(int64(living))
	fair := (Shards + living - 1) / max(1, living)
	switch held := l.countHeld(); {
	case held > fair:
		l.giveUp(held - fair)
	case held < fair && l.mayAct() && l.clock().boot >= l.free:
		return l.take(ctx, fair-held)
	}
	return nil
}

// take wins at most so many shards that are free, any of them: the cities that came first are
// often the busiest, and are in shards beside each other. Those whose row is locked are somebody's
// who is just storing something, and are looked at the next time.
func (l *lease) take(ctx context.Context, most int) error {
	var won []Claim
	err := pgx.BeginFunc(ctx, l.conn, func(tx pgx.Tx) error {
		const free = "NOT EXISTS (SELECT 1 FROM processes WHERE processes.id = shards.owner)"
		rows, err := tx.Query(ctx, "SELECT n FROM shards WHERE "+free+" AND n <> ALL ($1) ORDER BY random() LIMIT $2 FOR UPDATE SKIP LOCKED", l.busy(), most)
		if err != nil {
			return err
		}
		locked, err := pgx.CollectRows(rows, pgx.RowTo[int32])
		if err != nil || len(locked) == 0 {
			return err
		}
		// Asked once more with the rows locked: who has taken one meanwhile may have come
		// after the question before.
		rows, err = tx.Query(ctx, "UPDATE shards SET owner = $1, epoch = greatest(epoch + 1, "+msNow+") WHERE n = ANY ($2) AND "+free+" RETURNING n, epoch", l.id, locked)
		if err != nil {
			return err
		}
		won, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Claim])
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range won {
		l.win(c)
	}
	return nil
}

// busy are the shards of which something is still under way here.
func (l *lease) busy() []int32 {
	list := []int32{}
	for n, h := range l.holdings {
		if h != nil {
			list = append(list, int32(n))
		}
	}
	return list
}

// win has the followers work for a shard.
func (l *lease) win(c Claim) {
	h := &holding{Claim: c, leave: make(chan struct{})}
	h.lost, h.end = context.WithCancel(context.Background())
	l.holdings[c.Shard] = h
	l.leaving[c.Shard].Store(false)
	l.epochs[c.Shard].Store(c.Epoch)
	l.group.Go(func() { l.hold(h) })
}

// countHeld counts the shards that this process works for, and is not to give up.
func (l *lease) countHeld() (n int) {
	for _, h := range l.holdings {
		if h != nil && !h.over && !h.leaving {
			n++
		}
	}
	return n
}

// giveUp begins to give up so many shards, any of them, some at a time. Shard 0 is the last,
// as more hangs on it.
func (l *lease) giveUp(n int) {
	leaving := 0
	for _, h := range l.holdings {
		if h != nil && h.leaving && !h.over {
			leaving++
		}
	}
	for _, i := range append(rand.Perm(Shards-1), Shards-1) {
		h := l.holdings[(i+1)%Shards]
		if n == 0 || leaving >= givenAtOnce {
			return
		}
		if h != nil && !h.leaving && !h.over {
			h.leaving = true
			l.leaving[h.Shard].Store(true)
			close(h.leave)
			n, leaving = n-1, leaving+1
		}
	}
}

// loseAll has nothing be done any more for all that is held. The next lease is another.
func (l *lease) loseAll(why string) {
	if n := l.countHeld(); n > 0 {
		l.log.Warn("this process does not work for its cities any more", "shards", n, "why", why)
	}
	l.over = true
	l.renewed.Store(nil)
	l.Ownership.lease.Store(nil)
	for _, h := range l.holdings {
		if h != nil && !h.over {
			l.lose(h)
		}
	}
}

// lose has nothing be done any more for a shard.
func (l *lease) lose(h *holding) {
	h.over = true
	l.epochs[h.Shard].Store(0)
	h.end()
}

// release lets a shard go of which nothing is under way any more. Where the database cannot
// be told, compare does so later.
func (l *lease) release(h *holding) {
	l.holdings[h.Shard] = nil
	l.epochs[h.Shard].CompareAndSwap(h.Epoch, 0)
	h.end()
	if h.over || l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stepFor)
	defer cancel()
	l.failed(l.setFree(ctx, h.Claim))
}
