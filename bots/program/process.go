package program

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"ticketfrei/bots"
	"ticketfrei/internal/cage"
	"ticketfrei/internal/config"
)

// How long a program may take.
const (
	readyTimeout = 30 * time.Second // from its start to its line ready
	endGrace     = 5 * time.Second  // from the line end until it is told by a signal
	pingEvery    = 30 * time.Second
	pongTimeout  = 10 * time.Second
)

// States of a process, as the metrics count them.
const (
	stateStarting = "starting"
	stateRunning  = "running"
	stateSpare    = "spare" // waits for its one message
)

// toldAtOnce is how many lines may wait for a program to read them.
const toldAtOnce = 32

// hearer takes what a process says that is no answer.
type hearer interface {
	// hear handles a line. Lines come one by one, in the order in which they were said.
	// An error ends the process.
	hear(ctx context.Context, p *process, l fromLine) error
	// note takes a line of the program's log.
	note(level slog.Level, line string)
}

// process is one process of a program, and what is said to it and by it.
type process struct {
	manifest *Manifest
	hearer   hearer
	child    *cage.Process
	once     bool // it takes one message, says what comes of it, and ends
	out      chan []byte
	flushed  chan struct{} // closed when what was to be said at the end is said
	in       chan fromLine // what is heard in order
	up       chan struct{} // closed when it is ready
	ended    chan struct{}
	err      error // why it ended, once ended is closed; nil: with 0, or as it was asked to
	blamed   bool  // it ended with a delivery in hand, once ended is closed

	mu       sync.Mutex
	waiting  map[string]*errand // by id: what it has in hand
	answered time.Time          // the last time
	cause    error              // why we end it
	ours     bool               // the cause is none of the program
	closing  bool               // it was asked to end
	can      []string           // as it said when it was ready; nil: as the manifest says
	ponged   bool

	logs    *rate.Limiter
	heard   atomic.Int64 // when a line was heard last, in Unix milliseconds
	blocked atomic.Bool  // what it says waits for us
	turns   turns
}

// errand is something that a process was asked.
type errand struct {
	types []string // of lines that answer it
	done  chan fromLine
	said  string // to who wrote the report that it is about
}

// launch starts a process. Lines are handled until it ends; ctx bounds what handling them
// does. Call wait in the end.
func launch(ctx context.Context, m *Manifest, cfg *config.Config, h hearer) (*process, error) {
	c, err := cage.Start(m.caged(cfg))
	if err != nil {
		return nil, errStart(err)
	}
	p := &process{manifest: m, hearer: h, child: c, once: m.Run == runOnce, out: make(chan []byte, toldAtOnce), flushed: make(chan struct{}),
		in: make(chan fromLine, toldAtOnce), up: make(chan struct{}), ended: make(chan struct{}), waiting: map[string]*errand{}, logs: rate.NewLimiter(logRate, logBurst)}
	p.heard.Store(time.Now().UnixMilli())
	go p.run(ctx)
	return p, nil
}

// run reads what the process says until it ends.
func (p *process) run(ctx context.Context) {
	var handling sync.WaitGroup
	handling.Go(func() { p.handle(ctx) })
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		readLog(p.child.Stderr, p.logs, p.hearer.note)
	}()
	go p.write()
	if err := bots.Guard(p.read); err != nil {
		p.fail(err)
		_, _ = io.Copy(io.Discard, p.child.Stdout)
	}
	close(p.in)
	if !within(time.Second, p.child.Done()) { // it closed its output and goes on
		p.fail(errClosed)
		<-p.child.Done()
	}
	within(time.Second, logged)
	p.child.Close()
	<-logged
	handling.Wait()
	p.end()
}

// within waits until c is closed, for a while at most, and tells whether it was.
func within(d time.Duration, c <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}

// end notes why the process ended, and lets go who waits for it.
func (p *process) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch err := p.child.Err(); {
	case p.cause != nil:
		p.err = p.cause
	case p.closing:
	case err != nil || len(p.waiting) > 0 && !p.once:
		p.err = errEnded(err)
	case !p.once && !isClosed(p.up):
		p.err = errEnded(nil)
	}
	for _, e := range p.waiting {
		p.blamed = p.blamed || p.err != nil && slices.Contains(e.types, fromSent)
	}
	close(p.ended)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// fail ends the process for a reason.
func (p *process) fail(err error) { p.kill(err, false) }

// kill ends the process for a reason, which may be ours.
func (p *process) kill(err error, ours bool) {
	p.mu.Lock()
	if p.cause == nil && !p.closing {
		p.cause, p.ours = err, ours
	}
	p.mu.Unlock()
	p.child.Kill()
}

// died tells whether the process has ended by what it was doing.
func (p *process) died() bool { return isClosed(p.ended) && p.err != nil && !p.ours }

// stop asks the process to end, and ends it where it does not. It returns when it has.
func (p *process) stop() {
	p.mu.Lock()
	first := !p.closing
	p.closing = true
	p.mu.Unlock()
	if first {
		if !p.once {
			_ = p.tellSoon(&toLine{Type: toEnd})
		}
		p.finish()
		p.child.Stop(endGrace)
	}
	<-p.ended
}

// isClosing tells whether the process has ended or was asked to.
func (p *process) isClosing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closing || isClosed(p.ended)
}

// finish closes the input of the process behind what was said.
func (p *process) finish() {
	const soon = 200 * time.Millisecond
	select {
	case p.out <- nil:
		within(soon, p.flushed)
	case <-p.ended:
	case <-time.After(soon):
	}
}

// write writes what is to be said.
func (p *process) write() {
	for {
		select {
		case raw := <-p.out:
			if raw == nil {
				_ = p.child.Stdin.Close()
				close(p.flushed)
				return
			}
			if _, err := p.child.Stdin.Write(raw); err != nil {
				return // it has ended, or closed its input: whoever asks it something waits in vain
			}
		case <-p.ended:
			return
		}
	}
}

// tell says a line. It waits for room, but not for the program to read it.
func (p *process) tell(ctx context.Context, l *toLine) error {
	raw, err := l.encode()
	if err != nil {
		return err
	}
	select {
	case p.out <- raw:
		return nil
	case <-p.ended:
		return errNotRunning
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tellSoon is tell for what is left out where there is no room for it.
func (p *process) tellSoon(l *toLine) error {
	ctx, done := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer done()
	return p.tell(ctx, l)
}

// ask says a line with an id and waits for its answer, a line of one of the types, as long as the manifest allows since
// the program answered anything last. One that does not answer is ended.
func (p *process) ask(ctx context.Context, l *toLine, types ...string) (fromLine, error) {
	e := &errand{types: types, done: make(chan fromLine, 1)}
	p.mu.Lock()
	p.waiting[l.ID] = e
	p.mu.Unlock()
	defer p.drop(l.ID)
	asked := time.Now()
	if err := p.tell(ctx, l); err != nil {
		return fromLine{}, err
	}
	if p.once {
		p.finish()
	}
	timer := time.NewTimer(p.manifest.Answer)
	defer timer.Stop()
	for {
		select {
		case got := <-e.done:
			return got, nil
		case <-p.ended:
			return p.lastWord(e)
		case <-ctx.Done():
			return fromLine{}, ctx.Err()
		case <-timer.C:
			left := p.left(asked)
			if left <= 0 {
				p.fail(errHangs(p.manifest.Answer))
				left = time.Second
			}
			timer.Reset(left)
		}
	}
}

// lastWord is the answer of a process that has ended.
func (p *process) lastWord(e *errand) (fromLine, error) {
	select {
	case got := <-e.done:
		return got, nil
	default:
	}
	if p.err != nil {
		return fromLine{}, p.err
	}
	if p.once {
		return fromLine{}, nil
	}
	return fromLine{}, errNotRunning
}

// left is how long the process may still take for what was asked then.
func (p *process) left(asked time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := asked
	if p.answered.After(since) {
		since = p.answered
	}
	if p.blocked.Load() { // what it says waits for us
		since = time.Now()
	}
	return time.Until(since.Add(p.manifest.Answer))
}

func (p *process) drop(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

// inHand is how much the process was asked and has not answered.
func (p *process) inHand() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// answer hands an answer to who waits for it. It is false where nobody does.
func (p *process) answer(id string, l fromLine) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.once && id == "" { // it was asked one thing
		for only := range p.waiting {
			id = only
		}
	}
	e, ok := p.waiting[id]
	if !ok {
		return false
	}
	if !slices.Contains(e.types, l.Type) {
		if l.Type == fromAnswer {
			e.said = l.Text
		}
		return l.Type == fromAnswer
	}
	p.answered = time.Now()
	l.said = e.said
	select {
	case e.done <- l:
	default:
	}
	return true
}
