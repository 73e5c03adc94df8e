package supervisor

import (
	"context"
	"sync"
	"time"
)

// startingAtOnce is how many bots may be starting at a time. All at once they
// would open thousands of connections to a server before the first of them is
// ready to be shared.
const startingAtOnce = 64

// startingFor is how long a bot that starts may keep the others waiting: those
// of a server that hangs must not delay the rest for long.
const startingFor = 50 * time.Millisecond

// starts are the bots that wait for their first turn. Waiting costs no goroutine.
type starts struct {
	mu      sync.Mutex
	waiting []*runner
	some    chan struct{} // has one signal while there are some
	left    chan struct{} // has one signal where bots went to other processes
}

func newStarts() *starts {
	return &starts{some: make(chan struct{}, 1), left: make(chan struct{}, 1)}
}

func (s *starts) add(r *runner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, r)
	signal(s.some)
}

// next takes the one that waits the longest; nil where none does.
func (s *starts) next() *runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		s.waiting = nil
		return nil
	}
	r := s.waiting[0]
	s.waiting[0], s.waiting = nil, s.waiting[1:]
	return r
}

func (s *starts) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// turns has an element for each bot that is starting.
type turns chan struct{}

// take waits until a bot may start, which calls done when it has or could not.
// The error is that of ctx.
func (t turns) take(ctx context.Context) (done func(), err error) {
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	next := sync.OnceFunc(func() { <-t })
	late := time.AfterFunc(startingFor, next)
	return func() { late.Stop(); next() }, nil
}
