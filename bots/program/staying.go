package program

import (
	"context"
	"errors"
	"sync"
	"time"

	"ticketfrei/bots"
)

// staying is a crew of processes that stay. Lazy ones are started by what they are asked,
// and end when they are idle.
type staying struct {
	b *bot

	mu      sync.Mutex
	procs   []*process    // that are ready
	waiting []*suspicion  // who waits for one of them
	told    int64         // how many were told something
	suspect int           // how many are here that are suspect
	changed chan struct{} // closed when those are others
	over    bool
	wake    chan struct{} // has something in it when a lazy one is wanted
	used    time.Time
}

func newStaying(b *bot) *staying {
	return &staying{b: b, changed: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// run keeps the processes.
func (s *staying) run(ctx context.Context) (over bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.b.manifest.Start == startLazy {
		return false, s.runLazy(ctx)
	}
	ended := make(chan error, s.b.manifest.Workers)
	for i := range s.b.manifest.Workers {
		go func() { ended <- bots.Guard(func() error { return s.work(ctx, i) }) }()
	}
	stopped := false
	for range s.b.manifest.Workers {
		stopped = stopped || ctx.Err() != nil
		if one := <-ended; one != nil && err == nil {
			err = one
			cancel()
		}
	}
	if err == nil && ctx.Err() == nil && !stopped {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.over = true
		s.change()
	}
	return s.over, err
}

// runLazy starts a process whenever one is wanted.
func (s *staying) runLazy(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		if err := s.work(ctx, 0); err != nil {
			return err
		}
	}
}

// work runs one process until it or ctx ends.
func (s *staying) work(ctx context.Context, worker int) error {
	told, err := s.b.begun(ctx, worker)
	if err != nil {
		return err
	}
	began := time.Now()
	p, err := launch(context.WithoutCancel(ctx), s.b.manifest, s.b.host.Config, s.b)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, p.stop)()
	defer func() { <-p.ended }()
	started := s.b.counts.in(stateStarting)
	err = p.begin(ctx, told)
	started()
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer s.b.counts.in(stateRunning)()
	s.ready(ctx, p)
	defer s.gone(p)
	go p.watch(ctx)
	if s.b.manifest.Start == startLazy {
		go s.watchIdle(p)
	}
	<-p.ended
	if p.blamed {
		s.b.blamed.Store(true)
	}
	if time.Since(began) > longLife {
		s.b.did()
	}
	return p.err
}

// ready lets a process be asked.
func (s *staying) ready(ctx context.Context, p *process) {
	s.mu.Lock()
	s.procs = append(s.procs, p)
	s.used = time.Now()
	p.turns.calm = s.used.Add(calmFor)
	s.change()
	s.mu.Unlock()
	time.AfterFunc(calmFor, s.wakeUp)
	s.b.log.Info("program.log.ready", "pid", p.child.PID)
	_ = p.tell(ctx, &toLine{Type: toCheck})
}

func (s *staying) gone(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []*process
	for _, other := range s.procs {
		if other != p {
			left = append(left, other)
		}
	}
	s.procs = left
	s.change()
}

// change wakes who waits for a process. s.mu is held.
func (s *staying) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// watchIdle ends a process that was not asked anything for a while.
func (s *staying) watchIdle(p *process) {
	for {
		s.mu.Lock()
		left := time.Until(s.used.Add(s.b.manifest.Idle))
		s.mu.Unlock()
		if p.inHand() > 0 {
			left = s.b.manifest.Idle
		}
		if left <= 0 {
			p.stop()
			return
		}
		if within(left, p.ended) {
			return
		}
	}
}

// pick waits for a process that is ready, and returns the one that has the least in hand.
func (s *staying) pick(ctx context.Context, ability string, who *suspicion) (*process, error) {
	late := time.NewTimer(readyWait)
	defer late.Stop()
	defer s.queue(who)()
	for {
		p, changed, err := s.least(ability, who)
		if p != nil || err != nil {
			return p, err
		}
		select {
		case s.wake <- struct{}{}:
		default:
		}
		select {
		case <-changed:
		case <-s.b.closed:
			return nil, errNotRunning
		case <-late.C:
			return nil, errNotRunning
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// abilityOf is what a process must be able to do that is told a line of a type.
var abilityOf = map[string]string{toSend: canSend, toRetract: canRetract, toTask: canTask, toCommand: canCommand, toRequest: canRoute, toAnswer: canAnswer}

// least returns the process that has the least in hand, and notes that who has it. It is nil
// where there is none for who, which may be nil for what is only told.
func (s *staying) least(ability string, who *suspicion) (best *process, changed chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over:
		return nil, nil, errOver
	case who != nil && who.away:
		return nil, nil, errNotRunning
	}
	for _, p := range s.procs {
		if ability != "" && !p.abled(ability) {
			return nil, nil, bots.Say(errors.New("the program said that it cannot do this: "+ability), "program.error.unable", "What", ability)
		}
		if !p.isClosing() && (who == nil || s.mayHave(who, p)) && (best == nil || p.turns.taken < best.turns.taken) {
			best = p
		}
	}
	s.used = time.Now()
	if best != nil && who != nil {
		s.told++
		who.told = s.told
		s.waitsNoMore(who)
		best.turns.taken++
		best.turns.alone = who.deaths > 0
	}
	return best, s.changed, nil
}

// ask has a process answer.
func (s *staying) ask(ctx context.Context, l *toLine, who *suspicion, types ...string) (fromLine, *process, error) {
	if who == nil {
		who = &suspicion{}
	}
	leave, ok := s.enter(who)
	if !ok {
		return fromLine{}, nil, errNotRunning // not for this one: it comes again
	}
	defer leave()
	p, err := s.pick(ctx, abilityOf[l.Type], who)
	if err != nil {
		return fromLine{}, nil, err
	}
	defer s.done(p)
	if isClosed(p.ended) {
		return fromLine{}, nil, errNotRunning // it did not have it in hand
	}
	got, err := p.ask(ctx, l, types...)
	return got, p, err
}

// tell tells the first process.
func (s *staying) tell(ctx context.Context, l *toLine) error {
	p, err := s.pick(ctx, "", nil)
	if err != nil {
		return err
	}
	return p.tell(ctx, l)
}
