package main

import (
	"context"
	"fmt"
	"time"

	"ticketfrei/bots/kit/standin"
)

// fault is something that goes wrong for a while.
type fault struct {
	name  string
	lasts time.Duration
	begin func() error
	end   func() error
}

// faults are all that the soak has, in the order in which they come.
func (s *soaking) faults() []fault {
	w := s.world
	relay := func(f sinkFault) func() error { return func() error { w.relay.fail(f); return nil } }
	mastodon := func(f standin.Fault) func() error {
		return func() error { w.mastodon.Fail("", -1, f); return nil }
	}
	mendMastodon := func() error { w.mastodon.Mend(); return nil }
	well := func() error { return nil }
	list := []fault{
		{"the relay stalls", 5 * time.Second, relay(sinkStalls), w.mendRelay},
		{"the relay cuts connections", 3 * time.Second, relay(sinkResets), w.mendRelay},
		{"the relay answers 451", 5 * time.Second, relay(sinkBusy), w.mendRelay},
		{"Mastodon answers 502", 5 * time.Second, mastodon(standin.HTML(502)), mendMastodon},
		{"Mastodon hangs", 5 * time.Second, mastodon(standin.Hang()), mendMastodon},
		{"Mastodon answers 429", 5 * time.Second, s.limitMastodon, s.unlimitMastodon},
		{"Mastodon's streams are cut", time.Second, func() error { w.mastodon.DropStreams(); return nil }, well},
		{"Telegram answers 500", time.Second, s.breakTelegram, well},
		{"Telegram answers 429", time.Second, s.limitTelegram, well},
	}
	if s.disk != nil {
		list = append(list, fault{"the disk is full", 10 * time.Second, s.disk.fill, s.disk.empty})
	}
	if s.clock != nil {
		jump := func(d time.Duration) func() error { return func() error { return s.clock.set(d) } }
		list = append(list,
			fault{"the clock is an hour ahead", 10 * time.Second, jump(time.Hour), jump(0)},
			fault{"the clock is an hour late", 10 * time.Second, jump(-time.Hour), jump(0)})
	}
	return list
}

// mendRelay makes the relay work again and ends the connections that hung.
func (w *world) mendRelay() error {
	w.relay.fail(sinkWorks)
	w.relay.cut()
	return nil
}

// limitMastodon leaves every account one request in four seconds.
func (s *soaking) limitMastodon() error {
	s.world.mastodon.SetRateLimit(1, 4*time.Second)
	return nil
}

func (s *soaking) unlimitMastodon() error {
	s.world.mastodon.SetRateLimit(0, 0)
	return nil
}

func (s *soaking) breakTelegram() error {
	for i := range s.world.towns {
		s.world.towns[i].telegram.Fail(500, 502, 504)
	}
	return nil
}

func (s *soaking) limitTelegram() error {
	for i := range s.world.towns {
		s.world.towns[i].telegram.LimitNext(2)
	}
	return nil
}

// calm is how long everything works between two faults.
const calm = 5 * time.Second

// striking is one fault after the other.
type striking struct {
	list    []fault
	calm    time.Duration // between two faults
	longest time.Duration // that a fault may last
	say     func(format string, v ...any)
}

// strike lets one fault follow the other until ctx ends, and returns how many
// there were. Every fault that begins is ended.
func (s *striking) strike(ctx context.Context) (int, error) {
	for n := 0; ; n++ {
		if rest(ctx, s.calm) != nil {
			return n, nil
		}
		f := s.list[n%len(s.list)]
		s.say("%s", f.name)
		err := f.begin()
		_ = rest(ctx, min(f.lasts, s.longest)) // the fault is ended in any case
		if ended := f.end(); err == nil {
			err = ended
		}
		if err != nil {
			return n, fmt.Errorf("%s: %w", f.name, err)
		}
	}
}
