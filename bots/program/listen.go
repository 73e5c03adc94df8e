package program

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"time"

	"ticketfrei/bots"
)

// read reads lines until the output ends.
func (p *process) read() error {
	s := bufio.NewScanner(p.child.Stdout)
	s.Buffer(make([]byte, 0, 4096), maxLine+2)
	for s.Scan() {
		if len(bytes.TrimSpace(s.Bytes())) == 0 {
			continue
		}
		l, err := decode(s.Bytes())
		if err != nil {
			return errLine(err)
		}
		p.heard.Store(time.Now().UnixMilli())
		if err := p.take(l); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return errLong
	}
	return nil
}

// take handles a line at once where that is possible, and puts it in the row of the others
// else.
func (p *process) take(l fromLine) error {
	if l.wrong != "" {
		p.queue(l)
		return nil
	}
	switch l.Type {
	case fromReady:
		return p.ready(l)
	case fromSent, fromFailed, fromResult:
		p.answer(l.ID, l) // one that nobody waits for any more is late
		return nil
	case fromAnswer:
		if p.answer(l.To, l) {
			return nil
		}
	case fromPong:
		p.setPonged(true)
		return nil
	case fromUnknown:
		return nil
	}
	p.queue(l)
	return nil
}

// queue puts a line in the row of those that are handled one by one.
func (p *process) queue(l fromLine) {
	select {
	case p.in <- l:
		return
	default:
	}
	p.blocked.Store(true)
	defer p.blocked.Store(false)
	p.in <- l
}

// handle handles lines in their order.
func (p *process) handle(ctx context.Context) {
	for l := range p.in {
		if err := bots.Guard(func() error { return p.hearer.hear(ctx, p, l) }); err != nil {
			p.kill(err, true)
			for range p.in { // what it said after that is not heard: it says it again
				continue
			}
		}
	}
}

// unknown tells the program that a line could not be handled.
func (p *process) unknown(ctx context.Context, l fromLine, why string) {
	_ = p.tell(ctx, &toLine{Type: toUnknown, Text: text(cut(l.Type, maxID)), ID: cut(l.ID, maxID), Error: why}) // who has ended need not be told
}
