package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// patience is how long a report may take to arrive before it counts as lost.
// After faults or kills it is arriveTimeout.
const (
	patience      = 60 * time.Second
	arriveTimeout = 10 * time.Minute
)

// delivery is one report that has arrived at one network of its city.
type delivery struct {
	sent    sent
	network string
	took    time.Duration // from the end of the mail
}

// expected tells whether a report must arrive at a network of a city; nil means
// at all.
type expected func(city int, network string) bool

// load sends reports to all cities in turn and waits until each has arrived at
// every network of its city that is expected, once.
func (w *world) load(ctx context.Context, rate float64, while time.Duration, want expected) ([]delivery, error) {
	defer holdGarbage()()
	r := newRiders(32, w.doors()...)
	defer r.close()
	list, err := r.sendFor(ctx, w.next, rate, while, w.slugs)
	w.next += int(rate*while.Seconds()) + 1
	if err != nil {
		return nil, err
	}
	return w.collect(ctx, list, want)
}

// heldGarbage is how many bytes of memory the benchmark may take before it
// collects garbage in spite of holdGarbage.
const heldGarbage = 2 << 30

// holdGarbage keeps the benchmark's garbage collector from running until
// release is called: it would take the cores from the program.
func holdGarbage() (release func()) {
	runtime.GC()
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(heldGarbage)
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}

// collect waits for the reports and returns their deliveries. It is an error if
// one is missing or comes twice.
func (w *world) collect(ctx context.Context, list []sent, want expected) ([]delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var found []delivery
	var missing string
	err := until(ctx, 50*time.Millisecond, func() (bool, error) {
		var err error
		found, missing, err = w.match(list, want)
		return missing == "" && err == nil, err
	})
	if missing != "" {
		return found, fmt.Errorf("lost: %s", missing)
	}
	return found, err
}

// match finds the reports at the networks. missing counts those that have not come, and
// names one.
func (w *world) match(list []sent, want expected) (found []delivery, missing string, err error) {
	at, open := w.arrivals(), 0
	for _, s := range list {
		for _, network := range networks() {
			if want != nil && !want(s.city, network) || !w.towns[s.city].has(network) {
				continue
			}
			times := at[landing{s.report, network, w.slugs[s.city]}]
			switch len(times) {
			case 0:
				open++
				missing = fmt.Sprintf("%d, such as report %d on %s of %s", open, s.report, network, w.slugs[s.city])
			case 1:
				found = append(found, delivery{s, network, times[0].Sub(s.at)})
			default:
				return found, "", fmt.Errorf("report %d came %d times on %s of %s", s.report, len(times), network, w.slugs[s.city])
			}
		}
	}
	return found, missing, nil
}

func (t *town) has(network string) bool {
	return network == "mail" && len(t.subscribers) > 0 || network == "mastodon" && t.mastodon != nil || network == "telegram" && t.telegram != nil
}

// landing is a report and where it can arrive.
type landing struct {
	report  int
	network string
	slug    string
}

// arrivals is everything that has arrived, and when.
func (w *world) arrivals() map[landing][]time.Time {
	at := make(map[landing][]time.Time)
	for _, a := range w.relay.list() {
		slug, _, _ := strings.Cut(a.to, "@")
		p := landing{a.report, "mail", slug}
		at[p] = append(at[p], a.at)
	}
	for i := range w.towns {
		t := &w.towns[i]
		if t.mastodon != nil {
			for _, post := range t.mastodon.Statuses() {
				p := landing{findToken(post.Text), "mastodon", t.slug}
				at[p] = append(at[p], post.At)
			}
			for _, boost := range t.mastodon.Boosts() {
				p := landing{findToken(boost.Text), "mastodon", t.slug}
				at[p] = append(at[p], boost.At)
			}
		}
		if t.telegram != nil {
			for _, m := range t.telegram.Sends() {
				p := landing{findToken(m.Text), "telegram", t.slug}
				at[p] = append(at[p], m.At)
			}
		}
	}
	return at
}

// times are those of the deliveries through a network; "" stands for all.
func times(list []delivery, network string) []time.Duration {
	var all []time.Duration
	for _, d := range list {
		if network == "" || d.network == network {
			all = append(all, d.took)
		}
	}
	return all
}
