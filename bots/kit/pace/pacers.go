package pace

import "sync"

// Pacers are the pacers of a network's bots. A bot that is made again keeps its
// pace. It may be used from many goroutines.
type Pacers struct {
	limits Limits

	mu    sync.Mutex
	byBot map[int64]*Pacer
}

// NewPacers returns the pacers of a network, without a bot.
func NewPacers(l Limits) *Pacers { return &Pacers{limits: l, byBot: map[int64]*Pacer{}} }

// Of returns the pacer of a bot.
func (p *Pacers) Of(botID int64) *Pacer {
	p.mu.Lock()
	defer p.mu.Unlock()
	pacer := p.byBot[botID]
	if pacer == nil {
		pacer = New(p.limits)
		p.byBot[botID] = pacer
	}
	return pacer
}

// Forget drops what is remembered of a bot that is no more.
func (p *Pacers) Forget(botID int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byBot, botID)
}
