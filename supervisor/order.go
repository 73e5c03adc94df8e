package supervisor

import (
	"cmp"
	"slices"
	"time"
)

// What somebody writes reaches each recipient in the order it was written, as far as one
// process sends it: while one delivery is being sent, or waits to be tried again, later
// ones by the same author to the same recipient wait behind it. Others go on.

// pair is an author and a recipient; 0 is everybody.
type pair struct {
	author    string
	recipient int64
}

// pairOf returns whose delivery it is; false where the order does not matter.
func (w *row) pairOf(index int) (pair, bool) {
	return pair{w.Report.Author, w.Recipients[index]}, w.Report.Author != "" && !w.Retract
}

// order is what of a pair is not sent yet and known to wait.
type order struct {
	sending int64     // the report that is being sent, or is the next to be; 0: none
	behind  []item    // was taken meanwhile
	waits   []waiting // for their next try, the first first
}

// waiting is a report that waits for its next try.
type waiting struct {
	seq     int64
	due     time.Time
	expires time.Time
}

// begin tells whether a delivery that was taken is to be sent now; where not, it is put
// aside behind those of its pair that go first.
func (b *outbox) begin(i item) bool {
	key, ok := i.row.pairOf(i.index)
	if !ok {
		return true
	}
	o, seq := b.orderOf(key), i.row.Seq
	if o.sending != 0 && o.sending != seq {
		o.behind = append(o.behind, i)
		return false
	}
	o.sending = seq
	if first := b.first(o, i.row.Report.CityID); first.seq != 0 && first.seq < seq {
		due := later(first.due, b.sup.Now().Add(firstRetry))
		b.putOff(i, due, max(1, i.row.Attempts))
		b.leaves(i, due)
		return false
	}
	o.waits = slices.DeleteFunc(o.waits, func(w waiting) bool { return w.seq == seq })
	return true
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (b *outbox) orderOf(key pair) *order {
	o := b.orders[key]
	if o == nil {
		o = &order{}
		if b.orders == nil {
			b.orders = make(map[pair]*order)
		}
		b.orders[key] = o
	}
	return o
}

// first returns what waits first, dropping what is never sent; zero where nothing waits.
func (b *outbox) first(o *order, cityID int64) waiting {
	now := b.sup.Now()
	o.waits = slices.DeleteFunc(o.waits, func(w waiting) bool {
		return now.After(w.expires) || b.sup.isTakenBack(w.seq) || b.sup.isWiped(cityID, w.seq)
	})
	if len(o.waits) == 0 {
		return waiting{}
	}
	return o.waits[0]
}

// note notes that a report waits.
func (o *order) note(w waiting) {
	i, found := slices.BinarySearchFunc(o.waits, w.seq, func(w waiting, seq int64) int { return cmp.Compare(w.seq, seq) })
	if found {
		o.waits[i] = w
		return
	}
	o.waits = slices.Insert(o.waits, i, w)
}

func (b *outbox) expiry(w *row) time.Time { return w.Report.Time.Add(b.sup.Expire) }

// leaves lets the next go on of those that were taken behind a delivery, which has
// ended, or waits until due where that is not zero.
func (b *outbox) leaves(i item, due time.Time) {
	key, ok := i.row.pairOf(i.index)
	o := b.orders[key]
	if !ok || o == nil || o.sending != i.row.Seq {
		return
	}
	o.sending = 0
	if !due.IsZero() {
		o.note(waiting{i.row.Seq, due, b.expiry(i.row)})
	}
	switch {
	case len(o.behind) > 0:
		slices.SortFunc(o.behind, func(i, j item) int { return cmp.Compare(i.row.Seq, j.row.Seq) })
		o.sending = o.behind[0].row.Seq
		b.ready = append(b.ready, o.behind[0])
		o.behind = o.behind[1:]
		b.kick()
	case len(o.waits) == 0:
		delete(b.orders, key)
	}
}

// takeReady takes the next of those that are ready; false where there is none.
func (b *outbox) takeReady() (i item, ok bool) {
	if len(b.ready) == 0 {
		b.ready = nil
		return item{}, false
	}
	i, b.ready = b.ready[0], b.ready[1:]
	return i, true
}

// noteTried notes the order of what was tried before and is read again.
func (b *outbox) noteTried(w *row) {
	if w.Attempts == 0 {
		return
	}
	for index := range w.Recipients {
		if key, ok := w.pairOf(index); ok && w.Open&(1<<index) != 0 {
			b.orderOf(key).note(waiting{w.Seq, w.Due, b.expiry(w)})
		}
	}
}

// forgetOrders forgets what waits for its next try.
func (b *outbox) forgetOrders() {
	for key, o := range b.orders {
		if o.waits = nil; o.sending == 0 {
			delete(b.orders, key)
		}
	}
}

// tidyOrders forgets what is never sent.
func (b *outbox) tidyOrders(cityID int64) {
	for key, o := range b.orders {
		if b.first(o, cityID); o.sending == 0 && len(o.waits) == 0 {
			delete(b.orders, key)
		}
	}
}
