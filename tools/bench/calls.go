package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// calls measures what it costs when networks call the program, beside connections that
// its bots keep open.
type calls struct {
	Networks []string      `default:"telegram,mastodon" enum:"telegram,mastodon" help:"Networks that are measured."`
	Bots     int           `default:"500" help:"Number of bots of each network, in each of the two ways."`
	Rate     float64       `default:"20" help:"Reports a second."`
	For      time.Duration `default:"20s" help:"For how long, each time."`
	Rounds   int           `default:"5" help:"How often the two ways take turns."`
}

func (*calls) name() string { return "calls" }
func (*calls) what() string {
	return "webhook of Telegram and Web Push of Mastodon, beside polls and streams: from a report on the network to its delivery"
}

// wantCalled is the target for the p99 of reports that are brought, to that of those
// that are waited for: no worse, within what is noise between two runs of one program.
const wantCalled = 1.05

// wayIn is a network that can call the program, the settings with which it does, and
// those with which its bots keep a connection open.
type wayIn struct {
	network, setting, open, called string
}

var waysIn = []wayIn{
	{"telegram", "TICKETFREI_TELEGRAM_MODE", "poll", "webhook"},
	{"mastodon", "TICKETFREI_MASTODON_MODE", "stream", "push"},
}

// waited is what was measured in one of the two ways.
type waited struct {
	world  *world
	took   []time.Duration
	rounds []float64 // p99 of each
	conns  int
	memory float64 // MB
}

func (c *calls) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		c.Bots, c.For, c.Rounds = 50, 3*time.Second, 1
	}
	r.Axes = Axes{Title: "From a report on the network to its delivery", X: "milliseconds", Y: "% of deliveries", LogX: true}
	for _, way := range waysIn {
		if !slices.Contains(c.Networks, way.network) {
			continue
		}
		if err := c.compare(ctx, b, r, way); err != nil {
			return fmt.Errorf("%s: %w", way.network, err)
		}
	}
	return nil
}

// compare measures a network in both ways, in turn.
func (c *calls) compare(ctx context.Context, b *bench, r *Result, way wayIn) error {
	held, err := c.open(ctx, b, way, false)
	if err != nil {
		return err
	}
	defer held.world.close()
	called, err := c.open(ctx, b, way, true)
	if err != nil {
		return err
	}
	defer called.world.close()
	for range c.Rounds {
		for _, m := range []*waited{held, called} {
			if err := c.load(ctx, m, way); err != nil {
				return err
			}
		}
	}
	b.say("%s: waiting until connections that nobody uses are closed", way.network)
	for _, m := range []*waited{called, held} {
		if err := m.rest(ctx, m == called); err != nil {
			return err
		}
	}
	c.report(r, way, held, called)
	return nil
}

// open starts a program whose cities have a mail subscriber and a bot of the network.
func (c *calls) open(ctx context.Context, b *bench, way wayIn, called bool) (*waited, error) {
	w, err := newWorld(ctx, b, "calls", b.binary, c.Bots, func(w *world) {
		for i := range w.towns {
			if way.network == "telegram" {
				w.towns[i].mastodon = nil
			} else {
				w.towns[i].telegram = nil
				w.towns[i].mastodon.Allow("read", "write", "push")
			}
		}
		mode := way.open
		if w.called = called; called {
			mode = way.called
		}
		w.program.env = append(w.program.env, way.setting+"="+mode)
	})
	if err != nil {
		return nil, err
	}
	if _, err := w.start(ctx, 2*c.Bots); err != nil {
		w.close()
		return nil, err
	}
	b.say("%d bots of %s are up, called: %t", c.Bots, way.network, called)
	return &waited{world: w}, nil
}

// load writes reports on the network and adds the times of their deliveries.
func (c *calls) load(ctx context.Context, m *waited, way wayIn) error {
	defer holdGarbage()()
	list, err := m.world.collect(ctx, m.world.write(ctx, way.network, c.Rate, c.For), nil)
	if err != nil {
		return err
	}
	took := times(list, "")
	m.took, m.rounds = append(m.took, took...), append(m.rounds, quantile(took, 0.99))
	return nil
}

// write writes reports on a network for a while, in all cities in turn, each by somebody
// else.
func (w *world) write(ctx context.Context, network string, rate float64, while time.Duration) (list []sent) {
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	for range int(rate * while.Seconds()) {
		select {
		case <-ctx.Done():
			return list
		case <-tick.C:
		}
		n, city := w.next, w.next%len(w.towns)
		w.next++
		at := time.Now()
		if network == "telegram" {
			w.telegram.AddUser("writer", "de").Write(w.towns[city].telegram, reportText(n))
		} else {
			w.towns[city].mastodon.Mention(fmt.Sprintf("rider%d@elsewhere.example", n), reportText(n), "public")
		}
		list = append(list, sent{report: n, city: city, at: at})
	}
	return list
}

// unused is how long a connection may stay open that nobody uses.
const unused = 2 * time.Minute

// rest counts the connections and the memory of a program that has nothing to do. One
// that is called gets the time to close those that nobody uses.
func (m *waited) rest(ctx context.Context, called bool) error {
	ctx, cancel := context.WithTimeout(ctx, unused)
	defer cancel()
	http.DefaultClient.CloseIdleConnections() // of whoever waited for the program
	err := until(ctx, time.Second, func() (bool, error) {
		var err error
		m.conns, err = m.world.connections()
		return m.conns == 0 || !called, err
	})
	if err != nil && ctx.Err() == nil {
		return err
	}
	m.memory, _, err = m.world.program.memory()
	return err
}

func (c *calls) report(r *Result, way wayIn, held, called *waited) {
	for _, m := range []struct {
		name string
		*waited
	}{{way.network + " by " + way.open, held}, {way.network + " by " + way.called, called}} {
		r.add(m.name+": median", milliseconds(quantile(m.took, 0.5)), "ms")
		r.add(m.name+": 99% within", milliseconds(quantile(m.took, 0.99)), "ms")
		connections := r.add(m.name+": open connections", float64(m.conns), "")
		if m.waited == called {
			connections.atMost(float64(c.Bots)/100).note("of %d bots; left for a moment from calls of its own, such as looking after what was missed", c.Bots)
		}
		r.add(m.name+": resident memory", m.memory, "MB")
		r.Series = append(r.Series, distribution(m.name, m.took))
	}
	r.add(way.network+": 99%, ratio", median(ratios(called.rounds, held.rounds)), "×").atMost(wantCalled).
		note("%s to %s, median of %d rounds", way.called, way.open, c.Rounds)
}

// ratios are those of each pair.
func ratios(a, b []float64) []float64 {
	list := make([]float64, len(a))
	for i := range a {
		list[i] = a[i] / b[i]
	}
	return list
}
