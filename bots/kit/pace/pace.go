// Package pace lets a bot's messages wait for their turn, so that a network that
// limits how fast it is written to never has to say so.
package pace

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"ticketfrei/bots"
)

// Limits are how fast a network lets a bot send. Zero means no limit of that
// kind.
type Limits struct {
	All  rate.Limit // messages a second in all
	Chat rate.Limit // messages a second to one chat
	// To a group, beside that: GroupBurst at once, at least one, and then Group
	// a second.
	Group      rate.Limit
	GroupBurst int
	// SlowFor is how long a bot goes slower after a pause that it was told to
	// make.
	SlowFor time.Duration
	// Waiting is how many messages may wait within Soon for the turn of their chat at
	// the same time.
	Waiting int
}

// slowest is what a bot that is told again and again to send less keeps.
const slowest rate.Limit = 1

// firstSweep is how many chats a pacer remembers until it drops those whose
// last message is long enough ago not to count.
const firstSweep = 64

// Pacer makes the messages of one bot wait for their turn. It goes by real time:
// the limits do. It may be used from many goroutines.
type Pacer struct {
	limits Limits
	all    *rate.Limiter

	mu        sync.Mutex
	chats     map[string]*chatPace
	sweepAt   int
	waiting   int       // within Soon, for the turn of their chat
	limited   []limited // the last of those that said so
	until     time.Time // nothing is sent before
	slowUntil time.Time // zero while the pace is the ordinary one
}

// New returns the pacer of one bot.
func New(l Limits) *Pacer {
	for _, limit := range []*rate.Limit{&l.All, &l.Chat, &l.Group} {
		if *limit == 0 {
			*limit = rate.Inf
		}
	}
	l.GroupBurst = max(l.GroupBurst, 1)
	// Of burst 1, so that there are never more than the limit in any second.
	return &Pacer{limits: l, all: rate.NewLimiter(l.All, 1), sweepAt: firstSweep}
}

// ErrBusy is that a message's turn comes later than can be waited.
var ErrBusy = errors.New("too many messages are waiting")

// PausedError is that nothing may be sent for longer than can be waited.
type PausedError struct {
	Left time.Duration // how long still
	Chat bool          // to this chat; else by this bot
}

func (*PausedError) Error() string { return "told to wait" }

// LateError is that the turn of a message comes later than can be waited, as there are
// others to its chat. It is an ErrBusy.
type LateError struct {
	In time.Duration // until its turn, if nobody else takes it
}

func (*LateError) Error() string { return ErrBusy.Error() }

// Is makes it an ErrBusy.
func (*LateError) Is(target error) bool { return target == ErrBusy }

// Wait returns when a message to the chat may be sent; group says whether the
// chat is one of many people. It does not wait past the deadline of ctx: errors
// are that of ctx, ErrBusy, or a *PausedError.
func (p *Pacer) Wait(ctx context.Context, chat string, group bool) error {
	return bots.Idle(ctx, func() error { return p.wait(ctx, chat, group, false) })
}

// Soon is Wait for those that keep others waiting meanwhile: for the turn of their chat
// they wait for a few seconds at most, and not many of them. The others come back when
// the *LateError or the *PausedError says.
func (p *Pacer) Soon(ctx context.Context, chat string, group bool) error {
	return bots.Idle(ctx, func() error { return p.wait(ctx, chat, group, true) })
}

func (p *Pacer) wait(ctx context.Context, chat string, group, soon bool) error {
	if err := p.waitForChat(ctx, chat, group, soon); err != nil {
		return err
	}
	for {
		if err := p.waitForPause(ctx); err != nil {
			return err
		}
		if err := p.all.Wait(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return ErrBusy
		}
		if p.pausedFor() <= 0 { // it may have begun in the meantime
			return nil
		}
	}
}

// Pause makes everything wait for d, and halves the pace for a while.
func (p *Pacer) Pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	before := p.until
	if until := now.Add(d); until.After(p.until) {
		p.until = until
	}
	if before.After(now) || p.limits.All == rate.Inf {
		return // messages that were on their way together count once
	}
	p.all.SetLimit(max(min(slowest, p.limits.All), p.all.Limit()/2))
	p.slowUntil = p.until.Add(p.limits.SlowFor)
}

// waitForPause waits until the end of a pause that was asked for.
func (p *Pacer) waitForPause(ctx context.Context) error {
	left := p.pausedFor()
	if deadline, ok := ctx.Deadline(); ok && left > time.Until(deadline) {
		return &PausedError{Left: left}
	}
	return Sleep(ctx, left)
}

// pausedFor is how long nothing may be sent. It also ends a slow time.
func (p *Pacer) pausedFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.slowUntil.IsZero() && time.Now().After(p.slowUntil) {
		p.slowUntil = time.Time{}
		p.all.SetLimit(p.limits.All)
	}
	return time.Until(p.until)
}

// Sleep waits for d or the end of ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
