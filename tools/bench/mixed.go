package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// mixedLoad is reports on every network: mails, public mentions on Mastodon,
// messages to Telegram bots. Whoever writes is as patient as mail servers and
// networks are: what is not taken is offered again.
type mixedLoad struct {
	world  *world
	rate   float64
	riders *riders
	next   int          // number of the next report
	putOff atomic.Int64 // mails that were not taken at once

	closing sync.Once

	mu    sync.Mutex
	heard map[int]int // number of a report that a network has → its city
}

func newMixedLoad(w *world, rate float64) *mixedLoad {
	return &mixedLoad{world: w, rate: rate, next: 1, riders: newRiders(16, w.doors()...), heard: map[int]int{}}
}

// close ends the connections of the riders. It may be called twice.
func (m *mixedLoad) close() { m.closing.Do(m.riders.close) }

// run writes reports until ctx ends, and waits until all mails are taken. It may
// be called again then.
func (m *mixedLoad) run(ctx context.Context) error {
	var mails errgroup.Group
	tick := time.NewTicker(time.Duration(float64(time.Second) / m.rate))
	defer tick.Stop()
	for ; ; m.next++ {
		select {
		case <-ctx.Done():
			return mails.Wait()
		case <-tick.C:
		}
		n := m.next
		// The network changes after every round of the cities, so that each
		// city hears on each.
		city := n % len(m.world.slugs)
		switch (n / len(m.world.slugs)) % 3 {
		case 0:
			mails.Go(func() error { return m.mail(context.WithoutCancel(ctx), n, city) })
		case 1:
			m.mention(n, city)
		case 2:
			m.message(n, city)
		}
	}
}

// mention writes to the city's account on Mastodon.
func (m *mixedLoad) mention(n, city int) {
	m.world.towns[city].mastodon.Mention(fmt.Sprintf("rider%d@elsewhere.example", n), reportText(n), "public")
	m.note(n, city)
}

// message writes to the city's Telegram bot. The writer is no subscriber, and
// another one each time: the flood brake is not what is tested.
func (m *mixedLoad) message(n, city int) {
	user := m.world.telegram.AddUser("writer", "de")
	user.Write(m.world.towns[city].telegram, reportText(n))
	m.note(n, city)
}

// mailRetry is how long a mail server waits before it offers a mail again, and
// mailGivesUp how long until it gives up.
const (
	mailRetry   = time.Second
	mailGivesUp = 3 * time.Minute
)

// mail offers a mail until it is taken.
func (m *mixedLoad) mail(ctx context.Context, n, city int) error {
	ctx, cancel := context.WithTimeout(ctx, mailGivesUp)
	defer cancel()
	for {
		_, err := m.riders.send(ctx, n, city, m.world.slugs[city])
		if err == nil {
			m.note(n, city)
			return nil
		}
		m.putOff.Add(1)
		if rest(ctx, mailRetry) != nil {
			return fmt.Errorf("report %d was not taken for %s: %w", n, mailGivesUp, err)
		}
	}
}

// note keeps that report n has reached a network of the city.
func (m *mixedLoad) note(n, city int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard[n] = city
}

// all is a copy of what was heard: report → city.
func (m *mixedLoad) all() map[int]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.heard)
}

func (m *mixedLoad) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.heard)
}

// tally is how many deliveries there must be, how many of them are missing, and
// how many came once more.
type tally struct{ expected, lost, twice int }

// waitArrived waits until every report has arrived at every network of its
// city. What has not after arriveTimeout is lost.
func (m *mixedLoad) waitArrived(ctx context.Context) (tally, error) {
	timed, cancel := context.WithTimeout(ctx, arriveTimeout)
	defer cancel()
	var t tally
	err := until(timed, time.Second, func() (bool, error) {
		if err := m.world.ended(); err != nil {
			return false, err
		}
		t = m.tally()
		return t.lost == 0, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = ctx.Err()
	}
	return t, err
}

// tally counts what has arrived.
func (m *mixedLoad) tally() tally {
	at := m.world.arrivals()
	m.mu.Lock()
	defer m.mu.Unlock()
	var t tally
	for n, city := range m.heard {
		for _, network := range networks() {
			t.expected++
			switch times := len(at[landing{n, network, m.world.slugs[city]}]); times {
			case 0:
				t.lost++
			default:
				t.twice += times - 1
			}
		}
	}
	return t
}
