package pace

import (
	"slices"
	"time"
)

// The bounds of what a network may ask for: a group in slow mode takes a message an
// hour, and whoever asks a bot for more than a quarter of an hour is asked again then.
const (
	maxChatPause = time.Hour
	maxBotPause  = 15 * time.Minute
)

// Where so many chats say within that time that they take no more, it is the bot that
// is too fast.
const (
	severalChats  = 3
	severalWithin = 10 * time.Second
)

// limited is a chat that took no more.
type limited struct {
	chat  string
	at    time.Time
	until time.Time
}

// Limited notes that the network lets nothing more into a chat for d, and returns how
// long nothing is sent to it. The others go on, unless several say so at the same time.
// Groups do not count for that: whoever runs one decides how much it takes.
func (p *Pacer) Limited(chat string, group bool, d time.Duration) time.Duration {
	d = min(d, maxChatPause)
	if all := p.pauseChat(chat, group, d); all > 0 {
		p.Pause(all)
	}
	return d
}

// pauseChat pauses a chat, and returns for how long the bot has to pause; 0 for not at
// all.
func (p *Pacer) pauseChat(chat string, group bool, d time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if c := p.chat(chat, group, now); now.Add(d).After(c.until) {
		c.until = now.Add(d)
	}
	if group {
		return 0
	}
	p.limited = slices.DeleteFunc(p.limited, func(l limited) bool { return l.chat == chat || now.Sub(l.at) > severalWithin })
	p.limited = append(p.limited, limited{chat, now, now.Add(d)})
	if len(p.limited) < severalChats {
		return 0
	}
	shortest := slices.MinFunc(p.limited, func(a, b limited) int { return a.until.Compare(b.until) })
	p.limited = nil
	return min(shortest.until.Sub(now), maxBotPause)
}
