package telegram

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits are how fast a bot may send.
type limits struct {
	bot rate.Limit // messages a second in all
	// chat is the messages a second to one chat.
	chat rate.Limit
	// To a group, beside that: a few at once, and then group a second.
	group      rate.Limit
	groupBurst int
	// slowFor is how long a bot goes slower after it was told that it sends
	// too much.
	slowFor time.Duration
}

// documentedLimits are those of core.telegram.org/bots/faq ("My bot is hitting
// limits"): 30 messages a second in all, 1 a second in a chat, 20 a minute in a
// group. 5 at once and then 15 a minute are never more than 20 in a minute.
func documentedLimits() limits {
	return limits{bot: 30, chat: 1, group: rate.Every(4 * time.Second), groupBurst: 5, slowFor: 5 * time.Minute}
}

// slowest is what a bot that is told again and again to send less keeps.
const slowest rate.Limit = 1

// firstSweep is how many chats a pacer remembers until it drops those whose
// last message is long enough ago not to count.
const firstSweep = 64

// pacer makes the messages of one bot wait for their turn. It goes by real time:
// the limits do.
type pacer struct {
	limits limits
	bot    *rate.Limiter

	mu        sync.Mutex
	chats     map[int64]*chatPace
	sweepAt   int
	until     time.Time // nothing is sent before
	slowUntil time.Time // zero while the pace is the ordinary one
}

// chatPace is the pace of one chat.
type chatPace struct{ all, group *rate.Limiter }

func newPacer(l limits) *pacer {
	// Of burst 1, so that there are never more than the limit in any second.
	return &pacer{limits: l, bot: rate.NewLimiter(l.bot, 1), sweepAt: firstSweep}
}

// pausedError is that nothing may be sent for longer than can be waited.
type pausedError struct{ left time.Duration }

func (*pausedError) Error() string { return "told to wait" }

// errBusy is that a message's turn comes later than can be waited.
var errBusy = errors.New("too many messages are waiting")

// wait returns when a message to the chat may be sent. Errors are that of ctx,
// errBusy, or a pausedError.
func (p *pacer) wait(ctx context.Context, chat int64) error {
	if err := p.waitForChat(ctx, chat); err != nil {
		return err
	}
	for {
		if err := p.waitForPause(ctx); err != nil {
			return err
		}
		if err := p.bot.Wait(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errBusy
		}
		if p.pausedFor() <= 0 { // it may have begun in the meantime
			return nil
		}
	}
}

func (p *pacer) waitForChat(ctx context.Context, chat int64) error {
	now := time.Now()
	at, cancel := p.reserve(chat, now)
	if deadline, ok := ctx.Deadline(); ok && at.After(deadline) {
		cancel()
		return errBusy
	}
	return sleep(ctx, at.Sub(now))
}

// reserve returns when the chat's next message may be sent, and takes that turn.
func (p *pacer) reserve(chat int64, now time.Time) (at time.Time, cancel func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.chats[chat]
	if c == nil {
		c = p.addChat(chat, now)
	}
	turns := []*rate.Reservation{c.all.ReserveN(now, 1)}
	if c.group != nil {
		turns = append(turns, c.group.ReserveN(now, 1))
	}
	for _, t := range turns {
		if next := now.Add(t.DelayFrom(now)); next.After(at) {
			at = next
		}
	}
	return at, func() {
		for _, t := range turns {
			t.CancelAt(now)
		}
	}
}

// addChat begins to pace a chat. p.mu is held.
func (p *pacer) addChat(chat int64, now time.Time) *chatPace {
	if len(p.chats) >= p.sweepAt {
		p.sweep(now)
	}
	if p.chats == nil {
		p.chats = map[int64]*chatPace{}
	}
	c := &chatPace{all: rate.NewLimiter(p.limits.chat, 1)}
	if isGroup(chat) {
		c.group = rate.NewLimiter(p.limits.group, p.limits.groupBurst)
	}
	p.chats[chat] = c
	return c
}

// sweep drops the chats that may be written to at once: they are as good as
// new. p.mu is held.
func (p *pacer) sweep(now time.Time) {
	kept := map[int64]*chatPace{}
	for id, c := range p.chats {
		if !c.idle(now) {
			kept[id] = c
		}
	}
	p.chats = kept
	p.sweepAt = max(firstSweep, 2*len(kept))
}

func (c *chatPace) idle(now time.Time) bool {
	full := func(l *rate.Limiter) bool { return l.TokensAt(now) >= float64(l.Burst()) }
	return full(c.all) && (c.group == nil || full(c.group))
}

// waitForPause waits until the end of a pause that was asked for.
func (p *pacer) waitForPause(ctx context.Context) error {
	left := p.pausedFor()
	if deadline, ok := ctx.Deadline(); ok && left > time.Until(deadline) {
		return &pausedError{left}
	}
	return sleep(ctx, left)
}

// pausedFor is how long nothing may be sent. It also ends a slow time.
func (p *pacer) pausedFor() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.slowUntil.IsZero() && time.Now().After(p.slowUntil) {
		p.slowUntil = time.Time{}
		p.bot.SetLimit(p.limits.bot)
	}
	return time.Until(p.until)
}

// pause holds everything back for d, and halves the pace for a while.
func (p *pacer) pause(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	before := p.until
	if until := now.Add(d); until.After(p.until) {
		p.until = until
	}
	if before.After(now) {
		return // messages that were on their way together count once
	}
	p.bot.SetLimit(max(slowest, p.bot.Limit()/2))
	p.slowUntil = p.until.Add(p.limits.slowFor)
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
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
