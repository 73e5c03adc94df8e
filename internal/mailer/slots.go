package mailer

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errBusy is temporary: every connection was in use for too long.
var errBusy = errors.New("all connections for outgoing mail are in use")

// slots bounds how many callers do something at the same time.
type slots struct{ free chan struct{} }

func newSlots(n int) *slots { return &slots{free: make(chan struct{}, n)} }

// acquire waits at most wait for a slot and returns how to give it back.
func (s *slots) acquire(ctx context.Context, wait time.Duration) (release func(), err error) {
	release = func() { <-s.free }
	select {
	case s.free <- struct{}{}:
		return release, nil
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case s.free <- struct{}{}:
		return release, nil
	case <-timer.C:
		return nil, errBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// domains gives every destination its own slots, and forgets those that nobody
// uses.
type domains struct {
	each int
	mu   sync.Mutex
	all  map[string]*destination
}

type destination struct {
	slots *slots
	users int
}

func newDomains(each int) *domains {
	return &domains{each: each, all: map[string]*destination{}}
}

func (d *domains) acquire(ctx context.Context, domain string, wait time.Duration) (release func(), err error) {
	free, err := d.enter(domain).acquire(ctx, wait)
	if err != nil {
		d.leave(domain)
		return nil, err
	}
	return func() {
		free()
		d.leave(domain)
	}, nil
}

func (d *domains) enter(domain string) *slots {
	d.mu.Lock()
	defer d.mu.Unlock()
	dest := d.all[domain]
	if dest == nil {
		dest = &destination{slots: newSlots(d.each)}
		d.all[domain] = dest
	}
	dest.users++
	return dest.slots
}

func (d *domains) leave(domain string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dest := d.all[domain]
	if dest.users--; dest.users == 0 {
		delete(d.all, domain)
	}
}
