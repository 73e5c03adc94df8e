package verify

import (
	"context"
	"sync"
)

// turns bounds how many checks run at the same time, in all and of one owner.
type turns struct {
	all  chan struct{}
	each int

	mu     sync.Mutex
	owners map[string]*owner
}

// owner is one whose checks run or wait.
type owner struct {
	checks  int
	running chan struct{}
}

func newTurns(all, each int) *turns {
	return &turns{all: make(chan struct{}, all), each: each, owners: map[string]*owner{}}
}

// enter waits until a check may run. Call leave at its end. ok is false where ctx
// ended before.
func (t *turns) enter(ctx context.Context, name string) (leave func(), ok bool) {
	o := t.join(name)
	select {
	case o.running <- struct{}{}:
	case <-ctx.Done():
		t.part(name)
		return nil, false
	}
	select {
	case t.all <- struct{}{}:
	case <-ctx.Done():
		<-o.running
		t.part(name)
		return nil, false
	}
	return func() {
		<-t.all
		<-o.running
		t.part(name)
	}, true
}

// join counts a check of an owner; part counts it no more.
func (t *turns) join(name string) *owner {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.owners[name]
	if o == nil {
		o = &owner{running: make(chan struct{}, t.each)}
		t.owners[name] = o
	}
	o.checks++
	return o
}

func (t *turns) part(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.owners[name]
	if o.checks--; o.checks == 0 {
		delete(t.owners, name)
	}
}
