package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// mixedLoad is reports on every network: mails, public mentions on Mastodon,
// messages to Telegram bots. Who writes is patient, as mail servers and
// networks are: what is not taken is offered again.
type mixedLoad struct {
	world  *world
	rate   float64
	riders *riders
	putOff atomic.Int64 // mails that were not taken at once

	closing sync.Once

	mu    sync.Mutex
	heard map[int]heard // reports that networks have, by number
}

// heard is where a report was written.
type heard struct {
	city    int
	network string
}

func newMixedLoad(w *world, rate float64) *mixedLoad {
	return &mixedLoad{world: w, rate: rate, riders: newRiders(w.program.smtp, 16), heard: map[int]heard{}}
}

// close ends the connections of the riders. It may be called twice.
func (m *mixedLoad) close() { m.closing.Do(m.riders.close) }

// run writes reports until ctx ends, and waits until all mails were taken.
func (m *mixedLoad) run(ctx context.Context) error {
	var group sync.WaitGroup
	var failed atomic.Value
	tick := time.NewTicker(time.Duration(float64(time.Second) / m.rate))
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			group.Wait()
			err, _ := failed.Load().(error)
			return err
		case <-tick.C:
		}
		// The network changes with every round of the cities, so that each
		// city hears on each.
		city := n % len(m.world.slugs)
		switch (n / len(m.world.slugs)) % 3 {
		case 0:
			group.Go(func() {
				if err := m.mail(context.WithoutCancel(ctx), n, city); err != nil {
					failed.Store(err)
				}
			})
		case 1:
			m.world.towns[city].mastodon.Mention(fmt.Sprintf("rider%d@elsewhere.example", n), reportText(n), "public")
			m.note(n, city, "mastodon")
		case 2:
			// Who writes has not subscribed, and is somebody else every time:
			// the flood brake is not what is tested.
			user := m.world.telegram.AddUser("writer", "de")
			user.Write(m.world.towns[city].telegram, reportText(n))
			m.note(n, city, "telegram")
		}
	}
}

// mailRetry is how long a mail server waits before it offers a mail again, and
// mailGivesUp when it gives up.
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
			m.note(n, city, "mail")
			return nil
		}
		m.putOff.Add(1)
		if rest(ctx, mailRetry) != nil {
			return fmt.Errorf("report %d was not taken for %s: %w", n, mailGivesUp, err)
		}
	}
}

func (m *mixedLoad) note(n, city int, network string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard[n] = heard{city, network}
}

func (m *mixedLoad) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.heard)
}

// settle waits until every report has arrived at every network of its city, or
// for settleTimeout, and counts.
func (m *mixedLoad) settle(ctx context.Context) (lost, twice, expected int, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	err = until(ctx, time.Second, func() (bool, error) {
		if !m.world.program.alive() {
			return false, fmt.Errorf("the program has ended:\n%s", m.world.program.lastLines())
		}
		lost, twice, expected = m.tally()
		return lost == 0, nil
	})
	if lost > 0 && ctx.Err() != nil {
		err = nil // it is told by lost
	}
	return lost, twice, expected, err
}

// tally counts what has arrived.
func (m *mixedLoad) tally() (lost, twice, expected int) {
	at := m.world.arrivals()
	m.mu.Lock()
	defer m.mu.Unlock()
	for n, h := range m.heard {
		for _, network := range []string{"mail", "mastodon", "telegram"} {
			expected++
			switch times := len(at[place{n, network, m.world.slugs[h.city]}]); times {
			case 0:
				lost++
			default:
				twice += times - 1
			}
		}
	}
	return lost, twice, expected
}
