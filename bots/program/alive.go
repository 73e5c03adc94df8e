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

// pongs pings the process, and tells whether it lives.
func (p *process) pongs(ctx context.Context) bool {
	asked := time.Now().UnixMilli()
	ctx, done := context.WithTimeout(ctx, p.manifest.ping.timeout)
	defer done()
	if err := p.tell(ctx, &toLine{Type: toPing}); err != nil {
		return isClosed(p.ended) || errors.Is(ctx.Err(), context.Canceled)
	}
	look := time.NewTicker(p.manifest.ping.timeout / 100)
	defer look.Stop()
	for {
		select {
		case <-p.ended:
			return true
		case <-ctx.Done():
			return errors.Is(ctx.Err(), context.Canceled)
		case <-look.C:
		}
		p.mu.Lock()
		must := p.ponged
		p.mu.Unlock()
		if p.heard.Load() >= asked || p.blocked.Load() || !must && len(p.out) == 0 && hasRead(p.child.Stdin) {
			return true
		}
	}
}

// list is a list of names in words.
func list(names []string) string { return strings.Join(names, ", ") }
