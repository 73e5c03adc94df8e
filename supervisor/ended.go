package supervisor

import (
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// end notes how a delivery ended. The slot is held until that is on disk.
func (r *runner) end(i item, result db.Result, receipt report.Receipt, held *slot) {
	i.row.box.end(i, result, receipt, held)
	r.sup.count(r.bot.Network, result, 1)
}

// count adds to the metric of deliveries. result may also be resultRetry.
func (s *Supervisor) count(network string, result db.Result, n int) {
	s.metrics.deliveries.WithLabelValues(network, string(result)).Add(float64(n))
}

// end notes in its row how a delivery ended, and has the database told of it.
func (b *outbox) end(i item, result db.Result, receipt report.Receipt, held *slot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := i.row
	w.end(i.index)
	w.slots = append(w.slots, held)
	to := w.Recipients[i.index]
	switch {
	case result == db.Sent:
		w.news.Counts.Sent++
		if receipt.ID != "" {
			w.news.Receipts = append(w.news.Receipts, db.SentReceipt{Recipient: to, Receipt: receipt})
		}
	case w.Retract:
		w.news.Retired = append(w.news.Retired, to)
		if result == db.Retracted {
			w.news.Counts.Retracted++
		}
	case result == db.Failed:
		w.news.Counts.Failed++
	}
	b.settle(w)
	b.leaves(i, time.Time{})
}

// failed leaves a delivery open that could not be sent, and returns how long it
// waits.
// first says that it is the first of its row in this pass.
func (b *outbox) failed(i item) (wait time.Duration, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := i.row
	first = w.delay == 0
	if w.since.Before(b.wellAt) { // what it has met was before the bot came back
		w.Attempts, w.delay, w.since = 0, 0, b.wellAt
	}
	wait = w.retryIn() // before the pass ends
	w.out--
	b.settle(w)
	b.leaves(i, b.sup.Now().Add(wait))
	return wait, first
}

// later puts a delivery off by d, alone.
func (b *outbox) later(i item, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	due := b.sup.Now().Add(d)
	b.putOff(i, due, i.row.Attempts)
	b.leaves(i, due)
	b.try() // it has tried nothing for the others
	b.kick()
}

// putOff has a delivery wait in a row of its own until due: it fills no room meanwhile,
// and the rest of its row goes on.
func (b *outbox) putOff(i item, due time.Time, attempts int) {
	w := i.row
	w.end(i.index)
	w.news.PutOff = append(w.news.PutOff, db.PutOff{Recipient: w.Recipients[i.index], Attempts: attempts, Due: due})
	b.settle(w)
}

// putBack puts a delivery back that was not tried.
func (b *outbox) putBack(i item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.back(i)
	b.settle(i.row)
}

// putBackFor puts a delivery back and has the bot send nothing for a while.
func (b *outbox) putBackFor(i item, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.back(i)
	b.settle(i.row)
	b.pause(d)
}
