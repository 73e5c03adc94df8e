package supervisor

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/backoff"
)

// Refusals says when a bot that is refused needs its moderators, and when it is tried
// again from then on.
type Refusals struct {
	// Times is how often it must have been refused without a success between, and For
	// how long: one refusal may be an error of the network. 0 means 3 times, 3 minutes.
	Times int
	For   time.Duration
	// Looks are the waits between the tries from then on, the last one again and
	// again. None means 5 minutes, 15 minutes and an hour.
	Looks []time.Duration
}

func (o Refusals) withDefaults() Refusals {
	if o.Times == 0 {
		o.Times = 3
	}
	if o.For == 0 {
		o.For = 3 * time.Minute
	}
	if len(o.Looks) == 0 {
		o.Looks = []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}
	}
	return o
}

// refusals are what a bot was refused without a success between, in receiving or in
// sending.
type refusals struct {
	since time.Time
	times int
	sure  bool // only its moderators can help
	looks int  // since it is sure
}

// isFirst tells whether what is refused now was not before.
func (f *refusals) isFirst() bool { return f.times == 0 && !f.sure }

// add notes one more, and returns how long to wait until the next try; first is the wait
// after the first one.
func (f *refusals) add(o Refusals, now time.Time, first time.Duration) (wait time.Duration) {
	if f.times == 0 {
		f.since = now
	}
	f.times++
	if f.times >= o.Times && now.Sub(f.since) >= o.For {
		f.sure = true
	}
	if !f.sure {
		return backoff.Wait(first, f.times-1, maxBackoff)
	}
	wait = o.Looks[min(f.looks, len(o.Looks)-1)]
	f.looks++
	return wait - rand.N(wait/10+1) // so that not all bots look at once
}

// isRefused records that the bot was refused, in receiving or in sending, and returns
// how long to wait until the next try.
func (r *runner) isRefused(err error, change func(*health) *refusals) (wait time.Duration) {
	r.changeHealth(func(h *health) string {
		f := change(h)
		wait = f.add(r.sup.Refusals, r.sup.Now(), r.sup.Backoff)
		if !f.sure {
			err = &unsure{err, r.bot.Network, r.sup.Refusals.For}
		}
		return r.words(err)
	})
	r.log.Warn("supervisor.log.refused", "err", err, "in", wait)
	return wait
}

// unsure is a refusal that may be an error of the network: its moderators are not asked
// to do anything yet.
type unsure struct {
	cause   error
	network string
	until   time.Duration // how long it lasts until they are
}

var _ bots.Sayer = (*unsure)(nil)

func (u *unsure) Error() string { return u.cause.Error() }
func (u *unsure) Unwrap() error { return u.cause }

// Say returns the words.
func (u *unsure) Say(t bots.T) string {
	return t("supervisor.unsure", "Network", t(u.network+".title"), "For", inWords(u.until, t))
}

// sendingRefused has the bot send nothing until its login was checked once more: what
// it has to send waits.
func (r *runner) sendingRefused(i item, err error, held *slot) {
	isFirst := r.suspended.CompareAndSwap(false, true)
	i.row.box.putBack(i)
	held.Leave()
	if !isFirst { // another delivery has said so
		return
	}
	r.suspend(r.isRefused(err, func(h *health) *refusals {
		h.cannotSend = true
		return &h.sending
	}))
	r.doubt()
}

// suspend has the bot send nothing until its login is accepted, and for that long.
func (r *runner) suspend(wait time.Duration) {
	r.mu.Lock()
	r.sendFrom = time.Now().Add(wait)
	if r.resuming != nil {
		r.resuming.Stop()
		r.resuming = nil
	}
	r.suspended.Store(true)
	r.mu.Unlock()
	r.sup.giveBack(r)
}

// accepted has the bot send when its time has come: its login was accepted.
func (r *runner) accepted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.suspended.Load() && r.resuming == nil {
		r.resuming = time.AfterFunc(time.Until(r.sendFrom), r.resume)
	}
}

// resume has the bot send again.
func (r *runner) resume() {
	r.mu.Lock()
	r.resuming = nil
	r.suspended.Store(false)
	r.mu.Unlock()
	r.sup.kick(r.bot.ID)
}

// errDoubted ends Receive where the login is to be checked once more.
var errDoubted = errors.New("the login is to be checked once more")

// doubt has the login checked once more, also where there is nothing to receive.
func (r *runner) doubt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubted = true
	switch {
	case r.leave != nil:
		r.leave()
		r.wakeUp()
	case !r.looping && r.ctx.Err() == nil:
		r.looping = true
		r.sup.group.Go(r.receiveLoop)
	}
}

// enter returns the context of Receive, which ends with left.
func (r *runner) enter() (context.Context, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.doubted {
		return nil, errDoubted
	}
	ctx, cancel := context.WithCancel(r.ctx)
	r.leave = cancel
	return ctx, nil
}

// left notes that Receive has ended.
func (r *runner) left() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leave()
	r.leave = nil
}

// isDoubted tells whether the login is to be checked once more.
func (r *runner) isDoubted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.doubted
}

// endLoop ends receiveLoop, unless the login is to be checked.
func (r *runner) endLoop() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looping = r.doubted
	return !r.doubted
}
