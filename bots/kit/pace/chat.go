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
	for {
		left := p.pausedChat(chat)
		if left <= 0 {
			break
		}
		if waited, err := p.sleep(ctx, left, briefly); !waited {
			return &PausedError{Left: left, Chat: true}
		} else if err != nil {
			return err
		}
	}
	now := time.Now()
	at, cancel := p.reserve(chat, group, now)
	waited, err := p.sleep(ctx, at.Sub(now), briefly)
	if !waited {
		cancel()
		return &LateError{In: at.Sub(now)}
	}
	return err
}

// sleep waits for d. It does not, and tells so, where that is longer than ctx, or than
// it may be within Soon.
func (p *Pacer) sleep(ctx context.Context, d time.Duration, briefly bool) (waited bool, err error) {
	if deadline, ok := ctx.Deadline(); ok && d > 0 && time.Now().Add(d).After(deadline) {
		return false, nil
	}
	if d <= 0 || !briefly {
		return true, Sleep(ctx, d)
	}
	if !p.beginToWait(d) {
		return false, nil
	}
	defer p.waited()
	return true, Sleep(ctx, d)
}

// beginToWait tells whether one more may wait that long within Soon, and counts it until
// it has waited.
func (p *Pacer) beginToWait(d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d > soon || p.waiting >= max(1, p.limits.Waiting) {
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
func (p *Pacer) pausedChat(chat string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.chats[chat]; c != nil {
		return time.Until(c.until)
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
