package main

import (
	"context"
	"fmt"
	"time"

	"ticketfrei/tools/bench/panicking"
)

// isolation measures whether the trouble of some bots is that of the others.
type isolation struct {
	Cities int           `default:"1000" help:"Number of cities, each with three bots."`
	Rate   float64       `default:"50" help:"Reports a second."`
	For    time.Duration `default:"60s" help:"For how long, each time."`
	Rounds int           `default:"2" help:"How often both are measured, in turn."`
}

func (*isolation) name() string { return "isolation" }
func (*isolation) what() string {
	return "the time of deliveries through healthy bots while 20% of all bots hang, 10% are refused and 10% panic"
}

func (i *isolation) defaults() {
	*i = isolation{Cities: 1000, Rate: 50, For: 60 * time.Second, Rounds: 2}
}

func (i *isolation) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		i.Cities, i.For, i.Rounds = 120, 4*time.Second, 1
	}
	binary, err := b.withPanicking(ctx)
	if err != nil {
		return err
	}
	hole, err := startBlackHole()
	if err != nil {
		return err
	}
	defer hole.close()
	closed, err := freeAddress()
	if err != nil {
		return err
	}
	p := plight{n: i.Cities, hangs: "http://" + hole.addr, refuses: "http://" + closed}
	var alone, beside [][]time.Duration
	for range i.Rounds {
		list, err := i.measure(ctx, b, binary, p, nil)
		if err != nil {
			return fmt.Errorf("all healthy: %w", err)
		}
		alone = append(alone, times(list, ""))
		b.say("all healthy: 99%% within %.1f ms", milliseconds(quantile(times(list, ""), 0.99)))
		if list, err = i.measure(ctx, b, binary, p, p.strike); err != nil {
			return fmt.Errorf("beside bots in trouble: %w", err)
		}
		beside = append(beside, times(list, ""))
		b.say("beside bots in trouble: 99%% within %.1f ms", milliseconds(quantile(times(list, ""), 0.99)))
	}
	r.Axes = Axes{Title: "Healthy bots, beside healthy ones and beside 40% in trouble", X: "milliseconds", Y: "% of deliveries", LogX: true}
	r.Series = []Series{distribution("all healthy", alone[0]), distribution("40% in trouble", beside[0])}
	for _, q := range []struct {
		name string
		q    float64
	}{{"median", 0.5}, {"99%", 0.99}} {
		a, z := medianOf(alone, q.q), medianOf(beside, q.q)
		r.add(q.name+", all healthy", milliseconds(a), "ms")
		r.add(q.name+", 40% in trouble", milliseconds(z), "ms")
		f := r.add(q.name+", ratio", z/a, "×")
		if q.q == 0.99 {
			f.Target = atMost(1.2)
		}
	}
	return nil
}

// medianOf is the median of the rounds' quantiles.
func medianOf(rounds [][]time.Duration, q float64) float64 {
	var all []float64
	for _, r := range rounds {
		all = append(all, quantile(r, q))
	}
	return median(all)
}

// measure runs the load in a world of its own and returns the deliveries of the
// bots that are healthy in both.
func (i *isolation) measure(ctx context.Context, b *bench, binary string, p plight, shape func(*world)) ([]delivery, error) {
	w, err := newWorld(ctx, b, "isolation", binary, i.Cities, shape)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if _, err := w.start(ctx, p.healthyBots()); err != nil {
		return nil, err
	}
	return w.load(ctx, i.Rate, i.For, p.healthy)
}

// plight says which bots of n cities are in trouble.
type plight struct {
	n              int
	hangs, refuses string // URLs of such servers
}

// trouble is the server of a city's bot on a network; empty where it works.
// With a bot that panics in every third city there are 3⅓ bots a city; of
// these ⅔ hang and ⅓ are refused.
func (p plight) trouble(city int, network string) string {
	third, sixth := p.n/3, p.n/6
	switch {
	case network == "mastodon" && city < third:
		return p.hangs
	case network == "mastodon" && city < third+sixth:
		return p.refuses
	case network == "telegram" && city < sixth:
		return p.refuses
	case network == "telegram" && city >= third && city < 2*third:
		return p.hangs
	}
	return ""
}

// healthy tells whether a bot works.
func (p plight) healthy(city int, network string) bool { return p.trouble(city, network) == "" }

func (p plight) healthyBots() int {
	n := 0
	for city := range p.n {
		for _, network := range []string{"mail", "mastodon", "telegram"} {
			if p.healthy(city, network) {
				n++
			}
		}
	}
	return n
}

// strike gets the bots into trouble.
func (p plight) strike(w *world) {
	for city := range w.towns {
		t := &w.towns[city]
		if server := p.trouble(city, "mastodon"); server != "" {
			t.instance = server
		}
		t.api = p.trouble(city, "telegram")
		if city%3 == 0 {
			t.more = []string{panicking.Name}
		}
	}
}
