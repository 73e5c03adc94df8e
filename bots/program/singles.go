package program

import (
	"context"
	"time"

	"ticketfrei/internal/backoff"
)

// singles is a crew of processes that take one message each. A hot one has a process in
// spare that waits for it.
type singles struct {
	b     *bot
	room  chan struct{} // as many as may run at a time
	spare chan *process
}

func newSingles(b *bot) *singles {
	return &singles{b: b, room: make(chan struct{}, b.manifest.Workers), spare: make(chan *process)}
}

// run keeps a spare process, where the program is hot.
func (s *singles) run(ctx context.Context) (over bool, err error) {
	if s.b.manifest.Start != startHot {
		<-ctx.Done()
		return false, nil
	}
	for early := 0; ctx.Err() == nil; {
		p, err := s.launch(ctx)
		if err != nil {
			return false, err
		}
		if s.offer(ctx, p) {
			early = 0
			continue
		}
		if ctx.Err() != nil {
			break
		}
		s.b.log.Warn("program.log.early")
		early++
		within(backoff.Wait(time.Second, early, lastRestart), ctx.Done())
	}
	return false, nil
}

// offer waits until somebody takes the spare process. It is false where it ends before that.
func (s *singles) offer(ctx context.Context, p *process) bool {
	defer s.b.counts.in(stateSpare)()
	select {
	case s.spare <- p:
		return true
	case <-p.ended:
	case <-ctx.Done():
		p.stop()
	}
	return false
}

func (s *singles) launch(ctx context.Context) (*process, error) {
	return launch(context.WithoutCancel(ctx), s.b.manifest, s.b.host.Config, s.b)
}

// spareWait is how long a spare process is waited for that is being started.
const spareWait = 200 * time.Millisecond

// get returns a process: the spare one, or a new one.
func (s *singles) get(ctx context.Context) (*process, error) {
	if s.b.manifest.Start == startHot {
		late := time.NewTimer(spareWait)
		defer late.Stop()
		select {
		case p := <-s.spare:
			return p, nil
		case <-late.C:
		}
	}
	return s.launch(ctx)
}

// ask has a process answer, which ends with that.
func (s *singles) ask(ctx context.Context, l *toLine, _ *suspicion, types ...string) (fromLine, *process, error) {
	select {
	case s.room <- struct{}{}:
	case <-ctx.Done():
		return fromLine{}, nil, ctx.Err()
	case <-s.b.closed:
		return fromLine{}, nil, errNotRunning
	}
	defer func() { <-s.room }()
	told, err := s.b.begun(ctx, 0)
	if err != nil {
		return fromLine{}, nil, err
	}
	p, err := s.get(s.b.receiving)
	if err != nil {
		return fromLine{}, nil, err
	}
	defer s.b.counts.in(stateRunning)()
	defer context.AfterFunc(s.b.receiving, p.stop)()
	s.b.log.Debug("a process of the program takes a message", "type", l.Type, "pid", p.child.PID)
	with := *l
	with.begun = told
	got, err := p.ask(ctx, &with, types...)
	return s.ended(ctx, p, got, err)
}

// ended waits until a process has ended, which may take as long as an answer.
func (s *singles) ended(ctx context.Context, p *process, got fromLine, err error) (fromLine, *process, error) {
	if err == nil && !within(s.b.manifest.Answer, p.ended) {
		p.fail(errHangs(s.b.manifest.Answer))
	}
	if err != nil {
		p.stop()
	}
	<-p.ended
	if err == nil && p.err != nil {
		return fromLine{}, p, p.err
	}
	return got, p, err
}

// tell has a process of its own be told, and waits until it has ended.
func (s *singles) tell(ctx context.Context, l *toLine) error {
	_, _, err := s.ask(ctx, l, nil)
	return err
}
