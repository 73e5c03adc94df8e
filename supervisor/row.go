package supervisor

import (
	"math/bits"
	"math/rand/v2"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/backoff"
)

// row is a fanout that this process has in hand. Until what became of it is
// stored, the row is the truth about it, and not the database. The lock of its
// outbox guards it.
type row struct {
	db.Fanout // Open is as the database knows, or will with what is under way to it
	box       *outbox

	left    uint64        // not begun in this pass
	out     int           // begun, and not ended
	ended   uint64        // ended since the database was told
	over    bool          // the pass is over: the row leaves the hand when the database was told
	givenUp bool          // the pass ends early, and what is left is due at once
	delay   time.Duration // of what could not be sent in this pass
	since   time.Time     // when it was taken in hand
	splits  bool          // some of it is about to be stored in rows of its own
	waits   bool          // some of it waits for its way, which makes it no attempt
	gone    bool          // it is not in the database any more

	dirty  bool       // there is something to tell
	news   db.Outcome // of it only counts, receipts and retired ones
	slots  []*slot    // to be left when that is on disk
	queued bool       // guarded by outcomes
}

// begin takes the next recipient.
func (w *row) begin() (index int) {
	index = bits.TrailingZeros64(w.left)
	w.left &^= 1 << index
	w.out++
	return index
}

// beginAny takes some recipient.
func (w *row) beginAny() (index int) {
	skip := rand.IntN(bits.OnesCount64(w.left))
	all := w.left
	for range skip {
		w.left &= w.left - 1
	}
	index = w.begin()
	w.left = all &^ (1 << index)
	return index
}

// end notes that a delivery has ended.
func (w *row) end(index int) {
	w.out--
	w.ended |= 1 << index
	w.dirty = true
}

// endRest notes that all that was not begun has ended, and returns how many.
func (w *row) endRest() int {
	n := bits.OnesCount64(w.left)
	w.ended |= w.left
	w.left, w.dirty = 0, true
	return n
}

// finish ends the pass where nothing is left to begin or under way.
func (w *row) finish() {
	if w.left == 0 && w.out == 0 && !w.over {
		w.over, w.dirty = true, true
	}
}

// outcome is what the database is to be told, and the slots to be left then.
func (w *row) outcome(now time.Time) (db.Outcome, []*slot) {
	w.Open &^= w.ended
	if w.over && w.Open != 0 && !w.givenUp {
		w.Due = now.Add(w.retryIn())
		if !w.waits {
			w.Attempts++
		}
	}
	o, slots := w.news, w.slots
	w.splits = len(o.PutOff) > 0
	o.Fanout, o.Open, o.Attempts, o.Due = &w.Fanout, w.Open, w.Attempts, w.Due
	if w.Spare { // what holds it is no claim to its city
		o.Holder = w.holder()
	} else {
		o.Claim = w.box.claim
	}
	w.ended, w.news, w.slots, w.dirty = 0, db.Outcome{}, nil, false
	return o, slots
}

// holder is who is to hold a spare row from now on. What was tried is left to the process
// that works for its city, which keeps the order of what waits.
func (w *row) holder() *string {
	switch {
	case !w.over:
		return &w.Holder
	case w.givenUp && w.delay == 0:
		return new(string)
	}
	return nil
}

// retryIn is how long those wait that could not be sent in this pass: longer with
// each pass.
func (w *row) retryIn() time.Duration {
	if w.waits {
		return outageLook
	}
	if w.delay == 0 {
		w.delay = backoff.Wait(firstRetry, w.Attempts, lastRetry)
	}
	return w.delay
}
