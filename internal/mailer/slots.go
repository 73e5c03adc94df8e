package mailer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// errBusy is temporary: every connection was in use for too long.
var errBusy = errors.New("all connections for outgoing mail are in use")

// slots bounds how many callers do something at the same time. Those who wait are
// served in turn by whom they send for, so that a city with thousands of mails
// does not keep others waiting.
type slots struct {
	mu      sync.Mutex
	free    int
	turn    []string               // who waits, the next one first
	waiting map[string][]chan bool // by who
}

func newSlots(n int) *slots { return &slots{free: n, waiting: make(map[string][]chan bool)} }

// acquire waits at most wait for a slot and returns how to give it back.
func (s *slots) acquire(ctx context.Context, who string, wait time.Duration) (release func(), err error) {
	mine := s.enqueue(who)
	if mine == nil {
		return s.release, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-mine:
		return s.release, nil
	case <-timer.C:
		err = errBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	if !s.leave(who, mine) { // it came at the same moment
		s.release()
	}
	return nil, err
}

// enqueue takes a free slot and returns nil, or where to wait for one.
func (s *slots) enqueue(who string) chan bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free > 0 {
		s.free--
		return nil
	}
	mine := make(chan bool, 1)
	if len(s.waiting[who]) == 0 {
		s.turn = append(s.turn, who)
	}
	s.waiting[who] = append(s.waiting[who], mine)
	return mine
}

// leave ends the waiting; false where the slot was given already.
func (s *slots) leave(who string, mine chan bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting[who], mine)
	if i < 0 {
		return false
	}
	s.waiting[who] = slices.Delete(s.waiting[who], i, i+1)
	if len(s.waiting[who]) == 0 {
		delete(s.waiting, who)
		i := slices.Index(s.turn, who)
		s.turn = slices.Delete(s.turn, i, i+1)
	}
	return true
}

// release gives a slot to whose turn it is.
func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.turn) == 0 {
		s.free++
		return
	}
	who := s.turn[0]
	s.turn = s.turn[1:]
	list := s.waiting[who]
	list[0] <- true
	if len(list) == 1 {
		delete(s.waiting, who)
		return
	}
	s.waiting[who] = list[1:]
	s.turn = append(s.turn, who)
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

func (d *domains) acquire(ctx context.Context, domain, who string, wait time.Duration) (release func(), err error) {
	free, err := d.enter(domain).acquire(ctx, who, wait)
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
