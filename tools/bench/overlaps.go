package main

import (
	"context"
	"sync"
	"time"
)

// overlapEvery is how often the streams of all accounts are counted.
const overlapEvery = 50 * time.Millisecond

// overlaps counts the bots that two receive at the same time.
type overlaps struct {
	world   *world
	streams int // accounts that had two streams, at two looks one after the other
	cancel  context.CancelFunc
	looking sync.WaitGroup
}

// watchOverlaps looks until it is stopped.
func watchOverlaps(ctx context.Context, w *world) *overlaps {
	ctx, cancel := context.WithCancel(ctx)
	o := &overlaps{world: w, cancel: cancel}
	o.looking.Go(func() {
		seen := map[string]int{} // looks one after the other at which an account had two
		for rest(ctx, overlapEvery) == nil {
			o.look(seen)
		}
	})
	return o
}

func (o *overlaps) look(seen map[string]int) {
	for i := range o.world.towns {
		t := &o.world.towns[i]
		switch {
		case t.mastodon == nil:
		case t.mastodon.Streams() > 1:
			if seen[t.slug]++; seen[t.slug] == 2 {
				o.streams++
			}
		default:
			delete(seen, t.slug)
		}
	}
}

// stop ends the looking; count may be called then. It may be called twice.
func (o *overlaps) stop() {
	o.cancel()
	o.looking.Wait()
}

// count is how often a bot was received by two.
func (o *overlaps) count() (streams, polls int) {
	for i := range o.world.towns {
		if t := &o.world.towns[i]; t.telegram != nil {
			polls += t.telegram.Overlaps()
		}
	}
	return o.streams, polls
}
