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

// The waits before a delivery is tried again after a temporary error: doubled
// each time, with jitter.
const (
	firstRetry = time.Second
	lastRetry  = 10 * time.Minute
)

// attentionRetry is how long deliveries of a bot that cannot send wait before
// they ask again whether it can.
const attentionRetry = 10 * time.Second

// shortWait is how long a delivery waits whose bot is being started, that another
// batch holds already, or whose end cannot be recorded: a moment at first, then
// longer.
func shortWait(attempt int) time.Duration {
	return backoff.Wait(50*time.Millisecond, attempt, 5*time.Second)
}

// put takes a delivery into the mailbox. Where it cannot, it is false, and the
// delivery is to wait.
func (r *runner) put(m message) (wait time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.sup.Now()
	switch {
	case r.retired:
		return shortWait(m.Attempt), false
	case !r.mailbox.put(m, now):
		return r.mailbox.wait(m, now), false
	}
	if r.senders < r.concurrency {
		r.senders++
		r.sup.group.Go(r.sendLoop)
	}
	return 0, true
}

// sendLoop sends what is in the mailbox and ends when it is empty: a bot with
// nothing to send costs no goroutine.
func (r *runner) sendLoop() {
	for {
		r.mu.Lock()
		now := r.sup.Now()
		m, ok := r.mailbox.take(now)
		if !ok {
			r.senders--
			r.mu.Unlock()
			return
		}
		instance, pause := r.instance, r.pausedUntil.Sub(now)
		r.mu.Unlock()
		switch {
		case instance == nil || r.currentState() == report.BotAttention:
			r.waitForBot(m)
		case pause > 0:
			r.sup.later(m, pause)
		default:
			r.deliver(instance, m)
		}
	}
}

// waitForBot puts back a delivery of a bot that cannot send now. A bot that
// has just been started can in a moment.
func (r *runner) waitForBot(m message) {
	if r.expired(m.Body) {
		r.end(m, db.Outcome{Delivery: m.Body, Result: db.Expired})
		return
	}
	if r.currentState() == report.BotAttention {
		r.sup.later(m, backoff.Jitter(attentionRetry))
		return
	}
	r.sup.later(m, shortWait(m.Attempt))
}

// deliver sends one delivery and records what became of it before it leaves
// the queue.
func (r *runner) deliver(instance bots.Bot, m message) {
	ctx := r.sup.sending
	d := m.Body
	if d.Retract != nil {
		r.retract(ctx, instance, m)
		return
	}
	if r.expired(d) {
		r.forgetAttempts(d.ID)
		r.end(m, db.Outcome{Delivery: d, Result: db.Expired})
		return
	}
	switch _, err := r.sup.DB.DeliveryEnd(ctx, d.ID); {
	case err == nil:
		r.sup.done(m) // ended before: the process was killed before it said so
		return
	case !errors.Is(err, db.ErrNotFound):
		r.sup.Log.Error("a delivery could not be looked up, trying again", "delivery", d.ID, "err", err)
		r.sup.later(m, backoff.Jitter(firstRetry))
		return
	}
	receipt, err := r.send(ctx, instance, d)
	if err != nil {
		r.sendFailed(ctx, m, err)
		return
	}
	r.forgetAttempts(d.ID)
	r.end(m, db.Outcome{Delivery: d, Result: db.Sent, Receipt: receipt})
	r.sup.metrics.latency.WithLabelValues(d.Network).Observe(r.sup.Now().Sub(d.Report.Received).Seconds())
	r.setHealth("", func(h *health) { h.cannotSend = false })
}

func (r *runner) expired(d report.Delivery) bool {
	return r.sup.Now().Sub(d.Report.Time) > r.sup.Expire
}

// send calls Send with its timeout. A panic is an error.
func (r *runner) send(ctx context.Context, instance bots.Bot, d report.Delivery) (receipt report.Receipt, err error) {
	ctx, cancel := context.WithTimeout(ctx, bots.SendTimeout)
	defer cancel()
	defer r.recovered(&err)
	return instance.Send(ctx, d)
}

// sendFailed does what the kind of error asks for.
func (r *runner) sendFailed(ctx context.Context, m message, err error) {
	d := m.Body
	kind, after := bots.KindOf(err)
	switch kind {
	case bots.KindGone:
		r.removeRecipient(ctx, m, err)
	case bots.KindPermanent:
		r.log.Warn("a report could not be sent", "err", err)
		r.forgetAttempts(d.ID)
		r.end(m, db.Outcome{Delivery: d, Result: db.Failed, Error: err.Error()})
	case bots.KindRefused:
		r.needsAttention(err)
		r.stop()
		r.sup.later(m, backoff.Jitter(attentionRetry))
	case bots.KindRetryAfter:
		r.log.Warn("asked to wait before sending more", "err", err)
		r.pause(after)
		r.count(d, "retry")
		r.sup.later(m, after)
	default:
		if ctx.Err() != nil { // the program stops
			r.sup.later(m, 0)
			return
		}
		wait := r.nextRetry(d.ID)
		r.log.Warn("a report could not be sent yet, trying again", "err", err, "in", wait.Round(time.Millisecond))
		r.setHealth(err.Error(), func(h *health) { h.cannotSend = true })
		r.count(d, "retry")
		r.sup.later(m, wait)
	}
}

// removeRecipient forgets a recipient who is not there any more.
func (r *runner) removeRecipient(ctx context.Context, m message, cause error) {
	network, ok := r.network.(bots.Recipients)
	if ok {
		if err := network.RemoveRecipient(ctx, r.bot, m.Body.Recipient); err != nil {
			r.sup.Log.Error("a recipient could not be removed, trying again", "bot", r.bot.ID, "err", err)
			r.sup.later(m, r.nextRetry(m.Body.ID))
			return
		}
		r.log.Info("a recipient is gone and was removed", "err", cause)
	}
	r.forgetAttempts(m.Body.ID)
	r.end(m, db.Outcome{Delivery: m.Body, Result: db.Failed, Error: cause.Error()})
}

// retract takes back what was posted, where the bot can do so.
func (r *runner) retract(ctx context.Context, instance bots.Bot, m message) {
	retracter, ok := instance.(bots.Retracter)
	if !ok {
		r.sup.done(m)
		return
	}
	if err := r.callRetract(ctx, retracter, m.Body); err != nil {
		r.sendFailed(ctx, m, err)
		return
	}
	r.end(m, db.Outcome{Delivery: m.Body, Result: db.Retracted, Receipt: *m.Body.Retract})
}

func (r *runner) callRetract(ctx context.Context, retracter bots.Retracter, d report.Delivery) (err error) {
	ctx, cancel := context.WithTimeout(ctx, bots.SendTimeout)
	defer cancel()
	defer r.recovered(&err)
	return retracter.Retract(ctx, d)
}

// end records the outcome and takes the delivery out of the queue. What was
// sent is never sent again for want of a record: recording is tried until it
// works or the program stops.
func (r *runner) end(m message, o db.Outcome) {
	ctx := r.sup.sending
	for times := 0; ; times++ {
		err := r.sup.DB.RecordOutcome(context.WithoutCancel(ctx), o)
		if err == nil {
			break
		}
		r.sup.Log.Error("what became of a delivery could not be recorded, trying again", "delivery", o.Delivery.ID, "err", err)
		select {
		case <-ctx.Done():
			r.sup.later(m, 0)
			return
		case <-time.After(shortWait(times)):
		}
	}
	r.count(o.Delivery, string(o.Result))
	r.sup.DB.AfterSync(func(err error) {
		if err != nil {
			r.sup.Log.Error("what became of a delivery is not on disk, trying again", "delivery", o.Delivery.ID, "err", err)
			r.sup.later(m, backoff.Jitter(firstRetry))
			return
		}
		r.sup.done(m)
	})
}

func (r *runner) count(d report.Delivery, result string) {
	r.sup.metrics.deliveries.WithLabelValues(d.Network, result).Inc()
}

// pause holds back all deliveries of the bot for d.
func (r *runner) pause(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if until := r.sup.Now().Add(d); until.After(r.pausedUntil) {
		r.pausedUntil = until
	}
}

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
