package pace

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// soon is how long a message waits within Soon for the turn of its chat.
const soon = 10 * time.Second

// chatPace is the pace of one chat.
type chatPace struct {
	all   *rate.Limiter
	group *rate.Limiter // nil where the chat is no group
	until time.Time     // nothing is sent to it before
}

func (p *Pacer) waitForChat(ctx context.Context, chat string, group, briefly bool) error {
	now := time.Now()
	if left := p.pausedChat(chat, now); left > 0 {
		return &PausedError{Left: left, Chat: true}
	}
	at, cancel := p.reserve(chat, group, now)
	deadline, bounded := ctx.Deadline()
	if bounded && at.After(deadline) || briefly && !p.mayWait(at.Sub(now)) {
		cancel()
		return &LateError{In: at.Sub(now)}
	}
	if !briefly || !at.After(now) {
		return Sleep(ctx, at.Sub(now))
	}
	defer p.waited()
	return Sleep(ctx, at.Sub(now))
}

// mayWait tells whether one more may wait that long within Soon. One that has to wait
// counts until it has waited.
func (p *Pacer) mayWait(d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case d <= 0:
		return true
	case d > soon || p.waiting >= max(1, p.limits.Waiting):
		return false
	}
	p.waiting++
	return true
}

func (p *Pacer) waited() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting--
}

// pausedChat is how long nothing may be sent to a chat.
func (p *Pacer) pausedChat(chat string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.chats[chat]; c != nil {
		return c.until.Sub(now)
	}
	return 0
}

// reserve returns when the chat's next message may be sent, and takes that turn.
func (p *Pacer) reserve(chat string, group bool, now time.Time) (at time.Time, cancel func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.chat(chat, group, now)
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

// chat returns the pace of a chat. p.mu is locked.
func (p *Pacer) chat(chat string, group bool, now time.Time) *chatPace {
	c := p.chats[chat]
	if c == nil {
		if len(p.chats) >= p.sweepAt {
			p.sweep(now)
		}
		if p.chats == nil { // most bots are silent most of the time
			p.chats = map[string]*chatPace{}
		}
		c = &chatPace{all: rate.NewLimiter(p.limits.Chat, 1)}
		p.chats[chat] = c
	}
	if group && c.group == nil {
		c.group = rate.NewLimiter(p.limits.Group, p.limits.GroupBurst)
	}
	return c
}

// sweep drops the chats that may be written to at once: they are as good as
// new. p.mu is locked.
func (p *Pacer) sweep(now time.Time) {
	kept := map[string]*chatPace{}
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
	return !c.until.After(now) && full(c.all) && (c.group == nil || full(c.group))
}
