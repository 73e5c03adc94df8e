package supervisor

import (
	"context"
	"errors"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/backoff"
	"ticketfrei/internal/report"
)

// mailboxSize is how many deliveries wait in this process for each send that a
// bot may run at once.
const mailboxSize = 256

// attentionRetry is how long deliveries of a bot that cannot send wait before
// they ask again whether it can.
const attentionRetry = 10 * time.Second

// shortWait is how long a delivery waits whose bot is being started, that is
// claimed already, or whose end cannot be recorded: a moment at first, then
// longer.
func shortWait(attempt int) time.Duration {
	return backoff.Wait(50*time.Millisecond, attempt, 5*time.Second)
}

// put takes a delivery into the mailbox. Where it cannot, it is false, and the
// delivery is to wait.
func (r *runner) put(q queued) (wait time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.sup.Now()
	switch {
	case r.retired:
		return shortWait(q.Attempt), false
	case !r.mailbox.put(q, now):
		return r.mailbox.wait(q, now), false
	}
	if r.senders < r.concurrency {
		r.senders++
		r.sup.group.Go(r.sendLoop)
	}
	return 0, true
}

// sendLoop works through the mailbox and ends when it is empty: a bot with
// nothing to send costs no goroutine.
func (r *runner) sendLoop() {
	for {
		q, instance, pause := r.next()
		switch {
		case q == nil:
			return
		case instance == nil || r.currentState() == report.BotAttention:
			r.waitForBot(q)
		case pause > 0:
			r.sup.later(q, pause)
		default:
			r.carryOut(instance, q)
		}
	}
}

// next takes the next delivery out of the mailbox; nil where there is none, and
// the sender has to end. instance is nil while the bot is not made; pause is how
// long the bot is to send nothing.
func (r *runner) next() (q queued, instance bots.Bot, pause time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.sup.Now()
	q, ok := r.mailbox.take(now)
	if !ok {
		r.senders--
		return nil, nil, 0
	}
	return q, r.instance, r.pausedUntil.Sub(now)
}

// waitForBot puts back a delivery of a bot that cannot send now. A bot that
// has just been started can in a moment.
func (r *runner) waitForBot(q queued) {
	switch {
	case r.expired(q.Body):
		r.end(q, db.Outcome{Delivery: q.Body, Result: db.Expired})
	case r.currentState() == report.BotAttention:
		r.sup.later(q, backoff.Jitter(attentionRetry))
	default:
		r.sup.later(q, shortWait(q.Attempt))
	}
}

// carryOut sends a delivery, or takes it back where it asks for that, and records
// what became of it before it leaves the queue.
func (r *runner) carryOut(instance bots.Bot, q queued) {
	d := q.Body
	switch {
	case d.Retract != nil:
		r.takeBack(instance, q)
	case r.expired(d):
		r.forgetAttempts(d.ID)
		r.end(q, db.Outcome{Delivery: d, Result: db.Expired})
	case !r.endedBefore(q):
		r.send(instance, q)
	}
}

func (r *runner) expired(d report.Delivery) bool {
	return r.sup.Now().Sub(d.Report.Time) > r.sup.Expire
}

// endedBefore tells whether a delivery needs no sending now: it ended before the
// process was killed, or cannot be looked up and comes again.
func (r *runner) endedBefore(q queued) bool {
	_, err := r.sup.DB.DeliveryEnd(r.sup.sending, q.Body.ID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return false
	case err == nil:
		r.sup.done(q)
	default:
		r.sup.Log.Error("a delivery could not be looked up, trying again", "delivery", q.Body.ID, "err", err)
		r.sup.later(q, backoff.Jitter(firstRetry))
	}
	return true
}

// send sends a delivery through the bot.
func (r *runner) send(instance bots.Bot, q queued) {
	d := q.Body
	receipt, err := r.callSend(r.sup.sending, instance, d)
	if err != nil {
		r.failedToSend(q, err)
		return
	}
	r.forgetAttempts(d.ID)
	r.end(q, db.Outcome{Delivery: d, Result: db.Sent, Receipt: receipt})
	r.sup.metrics.latency.WithLabelValues(d.Network).Observe(r.sup.Now().Sub(d.Report.Received).Seconds())
	r.setHealth("", func(h *health) { h.cannotSend = false })
}

// callSend calls Send with its timeout. A panic is an error.
func (r *runner) callSend(ctx context.Context, instance bots.Bot, d report.Delivery) (receipt report.Receipt, err error) {
	ctx, cancel := context.WithTimeout(ctx, bots.SendTimeout)
	defer cancel()
	defer r.recovered(&err)
	return instance.Send(ctx, d)
}

// takeBack takes back what was sent, where the bot can do so. What it cannot take
// back stays recorded as sent.
func (r *runner) takeBack(instance bots.Bot, q queued) {
	err := bots.ErrCannotRetract
	if retracter, ok := instance.(bots.Retracter); ok {
		err = r.callRetract(r.sup.sending, retracter, q.Body)
	}
	switch {
	case err == nil:
		r.forgetAttempts(q.Body.ID)
		r.end(q, db.Outcome{Delivery: q.Body, Result: db.Retracted, Receipt: *q.Body.Retract})
	case errors.Is(err, bots.ErrCannotRetract):
		r.forgetAttempts(q.Body.ID)
		r.sup.done(q)
	default:
		r.failedToSend(q, err)
	}
}

// callRetract calls Retract with its timeout. A panic is an error.
func (r *runner) callRetract(ctx context.Context, retracter bots.Retracter, d report.Delivery) (err error) {
	ctx, cancel := context.WithTimeout(ctx, bots.SendTimeout)
	defer cancel()
	defer r.recovered(&err)
	return retracter.Retract(ctx, d)
}
