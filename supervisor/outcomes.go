package supervisor

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/backoff"
)

// What became of deliveries is stored when the first of them has waited for
// outcomeDelay, or when there are outcomeGroup of them.
const (
	outcomeDelay = 10 * time.Millisecond
	outcomeGroup = 16
)

// outcomes stores what became of deliveries, of all bots together.
type outcomes struct {
	sup   *Supervisor
	slots map[string]slots // by network
	some  chan struct{}    // there is something to be stored
	many  chan struct{}    // there is enough of it
	stuck atomic.Bool      // the database cannot be written to

	mu   sync.Mutex
	rows []*row
	n    int // deliveries that have ended
}

func newOutcomes(s *Supervisor) *outcomes {
	o := &outcomes{sup: s, slots: make(map[string]slots), some: make(chan struct{}, 1), many: make(chan struct{}, 1)}
	for network := range s.Networks {
		o.slots[network] = make(slots, unstored)
	}
	return o
}

// add has the database told of a row. The lock of its outbox is held.
func (o *outcomes) add(w *row) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !w.queued {
		w.queued = true
		o.rows = append(o.rows, w)
	}
	o.n++
	signal(o.some)
	if o.n >= outcomeGroup {
		signal(o.many)
	}
}

// signal leaves a signal in ch, which has room for one.
func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// stuckLook is how often to look whether the database can be written to again.
const stuckLook = 100 * time.Millisecond

// takeSlot waits until a bot of a network may send. The error is that of ctx.
func (o *outcomes) takeSlot(ctx context.Context, network string) (*slot, error) {
	for o.stuck.Load() || o.sup.DB.Full() != nil {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(stuckLook):
		}
	}
	return o.slots[network].take(ctx)
}

// run stores outcomes until ctx ends, and then what is left.
func (o *outcomes) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			o.store(ctx)
			return
		case <-o.some:
		}
		select {
		case <-ctx.Done():
		case <-o.many:
		case <-time.After(outcomeDelay):
		}
		o.store(ctx)
	}
}

// store stores what there is.
func (o *outcomes) store(ctx context.Context) {
	rows := o.take()
	if len(rows) == 0 {
		return
	}
	list, slots := snapshots(rows)
	switch bots, err := o.save(ctx, list); {
	case err == nil:
		o.stored(rows, bots)
	case db.Unavailable(err):
		o.notStored(err)
	default:
		o.storeEach(ctx, rows, list)
	}
	o.stuck.Store(false)
	o.sup.DB.OnSync(func(err error) { o.synced(slots, err) })
}

// notStored tells that what became of some deliveries cannot be stored. Their rows
// stay in hand, so that they are not sent again before the next start.
func (o *outcomes) notStored(err error) {
	if errors.Is(err, db.ErrNotOurs) {
		o.sup.Log.Warn("what became of deliveries is not stored, as another process works for their city now: they may be sent again")
		return
	}
	o.sup.Log.Error("what became of deliveries is not stored: they are sent again after the next start", "err", err)
}

// save saves outcomes. While the database cannot be written to it tries until it
// can, or, when ctx has ended, once.
func (o *outcomes) save(ctx context.Context, list []db.Outcome) (bots []int64, err error) {
	for times := 0; ; times++ {
		bots, err = o.sup.DB.SaveOutcomes(context.WithoutCancel(ctx), list)
		if err == nil || !db.Unavailable(err) || ctx.Err() != nil {
			return bots, err
		}
		if o.stuck.CompareAndSwap(false, true) {
			o.sup.Log.Error("what became of deliveries cannot be stored: nothing is sent until it can", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff.Wait(50*time.Millisecond, times, 5*time.Second)):
		}
	}
}

// storeEach stores what it can of outcomes that cannot be stored together.
func (o *outcomes) storeEach(ctx context.Context, rows []*row, list []db.Outcome) {
	for i := range list {
		if bots, err := o.save(ctx, list[i:i+1]); err != nil {
			o.notStored(err)
		} else {
			o.stored(rows[i:i+1], bots)
		}
	}
}

// synced lets others send in place of those whose outcome is on disk.
func (o *outcomes) synced(list []*slot, err error) {
	if err != nil {
		o.sup.Log.Error("what became of deliveries is not on disk: they may be sent again if the machine loses power", "err", err)
	}
	for _, s := range list {
		s.Leave()
	}
}

// take takes what is to be stored.
func (o *outcomes) take() []*row {
	o.mu.Lock()
	defer o.mu.Unlock()
	rows := o.rows
	o.rows, o.n = nil, 0
	for _, w := range rows {
		w.queued = false
	}
	return rows
}

// snapshots returns what the database is to be told of rows, and the slots that are
// held until then.
func snapshots(rows []*row) (list []db.Outcome, held []*slot) {
	for _, w := range rows {
		w.box.mu.Lock()
		outcome, slots := w.outcome(w.box.sup.Now())
		w.box.mu.Unlock()
		list, held = append(list, outcome), append(held, slots...)
	}
	return list, held
}

// stored lets go of what is stored. bots have something new to take back.
func (o *outcomes) stored(rows []*row, bots []int64) {
	for _, w := range rows {
		w.box.mu.Lock()
		left := w.box.guest != nil && (w.splits || w.over && w.Open != 0)
		w.box.unread = w.box.unread || w.splits && w.box.guest == nil
		if w.over && !w.dirty {
			w.box.release(w)
		}
		w.box.kick()
		w.box.mu.Unlock()
		if left {
			o.sup.Notices.Spare(w.Report.CityID) // to whoever works for it
		}
		o.sup.tidy(w.box)
	}
	for _, botID := range bots {
		o.sup.look(botID)
	}
}
