package supervisor

import (
	"context"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/backoff"
	"ticketfrei/internal/report"
)

// The waits before a delivery is tried again after a temporary error: doubled
// each time, with jitter.
const (
	firstRetry = time.Second
	lastRetry  = 10 * time.Minute
)

// failedToSend does what the kind of error asks for.
func (r *runner) failedToSend(q queued, err error) {
	kind, after := bots.KindOf(err)
	switch kind {
	case bots.KindGone:
		r.removeRecipient(q, err)
	case bots.KindPermanent:
		r.log.Warn("supervisor.log.not_sent", "err", err)
		r.forgetAttempts(q.Body.ID)
		r.end(q, db.Outcome{Delivery: q.Body, Result: db.Failed, Error: r.words(err)})
	case bots.KindRefused:
		r.needsAttention(err)
		r.stop()
		r.sup.later(q, backoff.Jitter(attentionRetry))
	case bots.KindRetryAfter:
		r.log.Warn("supervisor.log.told_to_wait", "err", err)
		r.pause(after)
		r.count(q.Body, "retry")
		r.sup.later(q, after)
	default:
		r.tryLater(q, err)
	}
}

// tryLater puts back a delivery that may be sent another time.
func (r *runner) tryLater(q queued, err error) {
	if r.sup.sending.Err() != nil { // the program stops
		r.sup.later(q, 0)
		return
	}
	wait := r.nextRetry(q.Body.ID)
	r.log.Warn("supervisor.log.later", "err", err, "in", wait.Round(time.Millisecond))
	r.setHealth(r.words(err), func(h *health) { h.cannotSend = true })
	r.count(q.Body, "retry")
	r.sup.later(q, wait)
}

// removeRecipient forgets a recipient who is not there any more.
func (r *runner) removeRecipient(q queued, cause error) {
	if network, ok := r.network.(bots.Recipients); ok {
		if err := network.RemoveRecipient(r.sup.sending, r.bot, q.Body.Recipient); err != nil {
			r.sup.Log.Error("a recipient could not be removed, trying again", "bot", r.bot.ID, "err", err)
			r.sup.later(q, r.nextRetry(q.Body.ID))
			return
		}
		r.log.Info("supervisor.log.gone", "err", cause)
	}
	r.forgetAttempts(q.Body.ID)
	r.end(q, db.Outcome{Delivery: q.Body, Result: db.Failed, Error: r.words(cause)})
}

// end records the outcome and, when it is on disk, takes the delivery out of the
// queue.
func (r *runner) end(q queued, o db.Outcome) {
	if !r.record(o) {
		r.sup.later(q, 0)
		return
	}
	r.count(o.Delivery, string(o.Result))
	r.sup.DB.AfterSync(func(err error) {
		if err != nil {
			r.sup.Log.Error("what became of a delivery is not on disk, trying again", "delivery", o.Delivery.ID, "err", err)
			r.sup.later(q, backoff.Jitter(firstRetry))
			return
		}
		r.sup.done(q)
	})
}

// record stores the outcome of a delivery. What was sent is never sent again for
// want of a record: it tries until that works, and is false where the program
// stops before it did.
func (r *runner) record(o db.Outcome) bool {
	ctx := r.sup.sending
	for times := 0; ; times++ {
		err := r.sup.DB.RecordOutcome(context.WithoutCancel(ctx), o)
		if err == nil {
			return true
		}
		r.sup.Log.Error("what became of a delivery could not be recorded, trying again", "delivery", o.Delivery.ID, "err", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(shortWait(times)):
		}
	}
}

func (r *runner) count(d report.Delivery, result string) {
	r.sup.metrics.deliveries.WithLabelValues(d.Network, result).Inc()
}

// pause makes all deliveries of the bot wait for d.
func (r *runner) pause(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if until := r.sup.Now().Add(d); until.After(r.pausedUntil) {
		r.pausedUntil = until
	}
}

// nextRetry returns how long a delivery waits before it is tried again.
func (r *runner) nextRetry(id string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts[id]++
	return backoff.Wait(firstRetry, r.attempts[id]-1, lastRetry)
}

func (r *runner) forgetAttempts(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.attempts, id)
}
