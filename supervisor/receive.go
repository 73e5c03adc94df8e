package supervisor

import (
	"context"
	"errors"
	"time"

	"ticketfrei/bots"
)

// session is a bot that receives, from when it is made until Receive has ended, also while
// it rests.
type session struct {
	began    time.Time
	instance bots.Bot
	ctx      context.Context // of Receive
	back     *time.Timer     // counts it as working again; nil where it had not failed
}

// begin runs the runner in its first turn, which ends with done.
func (r *runner) begin(done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.pending { // it was retired
		done()
		return
	}
	r.pending, r.turn = false, done
	r.sup.group.Go(r.run)
}

// run receives until the runner is retired.
func (r *runner) run() {
	r.waitForPredecessor()
	r.receiveLoop()
}

// receiveLoop runs the bot's Receive, again and again with a growing pause, until the
// runner is retired or the bot has nothing to receive. While the bot rests it does not
// run: wake goes on with it.
func (r *runner) receiveLoop() {
	for {
		began := time.Now()
		err := r.receiveOnce()
		if rest, rests := errors.AsType[bots.Rest](err); rests {
			if r.rest(rest.Until) {
				return
			}
			continue
		}
		began = r.endSession(began)
		if r.ctx.Err() != nil || err == nil && r.endLoop() {
			r.hasEnded()
			return
		}
		if err == nil || errors.Is(err, errDoubted) {
			r.failures = 0
			continue
		}
		took := time.Since(began)
		if took > maxBackoff {
			r.failures = 0
		}
		pause := r.failedToReceive(err, r.failures, took)
		r.failures++
		select {
		case <-r.ctx.Done():
			r.hasEnded()
			return
		case <-time.After(pause):
		}
	}
}

// receiveOnce runs Receive of a bot that has rested, or makes the bot before and checks it.
// A panic is an error.
func (r *runner) receiveOnce() (err error) {
	defer r.recovered(&err)
	if r.session == nil {
		if err := r.beginSession(); err != nil {
			return err
		}
	}
	err = r.session.instance.Receive(r.session.ctx, r.hear)
	switch {
	case bots.Rests(err):
		return err
	case r.isDoubted():
		return errDoubted
	case err == nil:
		r.well()
	}
	return err
}

func (r *runner) hear(ctx context.Context, in bots.Incoming) error {
	return r.sup.Hearer.Hear(ctx, r.bot, in)
}

// beginSession makes the bot and checks it.
func (r *runner) beginSession() error {
	began := time.Now()
	instance, err := r.startBot()
	if err != nil {
		if kind, _ := bots.KindOf(err); kind == bots.KindRefused {
			r.suspend(0)
		}
		return err
	}
	r.accepted()
	ctx, err := r.enter()
	if err != nil {
		return err
	}
	ctx = bots.WithWaker(bots.WithStanding(ctx, r.stand), r.wake)
	r.session = &session{began: began, instance: instance, ctx: ctx}
	if !r.failedBefore {
		r.well()
		return nil
	}
	// One that fails again and again is not shown as working in between, and one
	// that is refused slowly is not either.
	r.session.back = time.AfterFunc(max(wellAfter, 2*r.refusedAfter), r.isBack)
	return nil
}

// endSession ends what beginSession began, if it did, and returns when that was; otherwise
// the time it is given.
func (r *runner) endSession(began time.Time) time.Time {
	s := r.session
	if s == nil {
		return began
	}
	r.session = nil
	if s.back != nil {
		s.back.Stop()
	}
	r.left()
	return s.began
}

// well notes that the bot receives.
func (r *runner) well() {
	if r.failedBefore {
		r.isBack()
	} else {
		r.isWell()
	}
}

// hasEnded notes that the bot receives no more. It may be called again.
func (r *runner) hasEnded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.ended:
	default:
		close(r.ended)
	}
}

// rest has the bot rest until then at the latest. It is false where there is something to
// do.
func (r *runner) rest(until time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.woken || r.doubted || r.ctx.Err() != nil {
		r.woken = false
		return false
	}
	r.resting = time.AfterFunc(time.Until(until), r.wake)
	return true
}

// wake ends a rest of the bot. One that does not rest does not begin to before it has
// received once more.
func (r *runner) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wakeUp()
}

// wakeUp is wake where r.mu is held. One that is retired before its turn ends at once.
func (r *runner) wakeUp() {
	if r.pending && r.ctx.Err() != nil {
		r.pending = false
		r.sup.group.Go(r.run)
		return
	}
	if r.resting == nil {
		r.woken = true
		return
	}
	r.resting.Stop()
	r.resting = nil
	r.sup.group.Go(r.receiveLoop)
}
