package program

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots"
)

// begin tells the process who it works for, and waits until it is ready.
func (p *process) begin(ctx context.Context, b *begun) error {
	if err := p.tell(ctx, &toLine{Type: toBegin, begun: b}); err != nil {
		return err
	}
	timer := time.NewTimer(readyTimeout)
	defer timer.Stop()
	select {
	case <-p.up:
		return nil
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		p.fail(errNotReady)
		<-p.ended
		return p.err
	}
}

// ready notes what the program says of itself.
func (p *process) ready(l fromLine) error {
	if l.Protocol != protocol && l.Protocol != 0 {
		return bots.Say(fmt.Errorf("the program speaks protocol %d; this server speaks %d", l.Protocol, protocol), "program.error.protocol")
	}
	for _, ability := range l.Can {
		if !p.manifest.can(ability) {
			return bots.Say(fmt.Errorf("the program says that it can %s, which its %s does not say", ability, File), "program.error.can", "What", string(words(ability)))
		}
	}
	p.mu.Lock()
	p.can = l.Can
	p.mu.Unlock()
	if !isClosed(p.up) { // read alone closes it
		close(p.up)
	}
	return nil
}

// abled tells whether the process can do something.
func (p *process) abled(ability string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.can == nil || slices.Contains(p.can, ability)
}

// watch pings the process until it ends. One that does not read what it is told, or that has
// answered a ping before and does not answer this one, hangs.
func (p *process) watch(ctx context.Context) {
	tick := time.NewTicker(p.manifest.ping.every)
	defer tick.Stop()
	for {
		select {
		case <-p.ended:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !p.pongs(ctx) {
			p.fail(errStopped)
			return
		}
	}
}

// look is how often it is looked whether a process has read what it was told: nothing tells that.
const look = 5 * time.Millisecond

// pongs pings the process, and tells whether it lives.
func (p *process) pongs(ctx context.Context) bool {
	asked := time.Now().UnixMilli()
	ctx, done := context.WithTimeout(ctx, p.manifest.ping.timeout)
	defer done()
	if err := p.tell(ctx, &toLine{Type: toPing}); err != nil {
		return isClosed(p.ended) || errors.Is(ctx.Err(), context.Canceled)
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-p.ended:
			return true
		case <-ctx.Done():
			return errors.Is(ctx.Err(), context.Canceled)
		case <-tick.C:
		}
		if p.heard.Load() >= asked || p.blocked.Load() || !p.hasPonged() && len(p.out) == 0 && hasRead(p.child.Stdin) {
			return true
		}
	}
}

// hasPonged tells whether the process has answered a ping.
func (p *process) hasPonged() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ponged
}

// setPonged notes whether it has.
func (p *process) setPonged(ponged bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ponged = ponged
}

// whyEnded is why the process has ended; nil where it has not.
func (p *process) whyEnded() error {
	if isClosed(p.ended) {
		return p.err
	}
	return nil
}

// list is a list of names in words.
func list(names []string) string { return strings.Join(names, ", ") }
