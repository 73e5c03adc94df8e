package main

import (
	"context"
	"fmt"
	"time"

	"ticketfrei/internal/freeport"
	"ticketfrei/tools/bench/panicking"
)

// isolation measures whether bots in trouble slow down the others.
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
	closed, err := freeport.Address()
	if err != nil {
		return err
	}
	p := plight{n: i.Cities, hangs: "http://" + hole.addr, refuses: "http://" + closed}
	alone := worldKind{name: "all healthy", binary: binary}
	beside := worldKind{name: "40% in trouble", binary: binary, shape: p.strike}
	for range i.Rounds {
		for _, k := range []*worldKind{&alone, &beside} {
			if err := i.measure(ctx, b, k, p); err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
		}
	}
	i.report(r, alone, beside)
	return nil
}

// worldKind is one of the two worlds that are compared.
type worldKind struct {
	name   string
	binary string
	shape  func(*world)
	rounds [][]time.Duration // times of the deliveries of each round
}

// measure runs the load in a new world and adds the times of the bots that are
// healthy in both kinds.
func (i *isolation) measure(ctx context.Context, b *bench, k *worldKind, p plight) error {
	w, err := newWorld(ctx, b, "isolation", k.binary, i.Cities, k.shape)
	if err != nil {
		return err
	}
	defer w.close()
	if _, err := w.start(ctx, p.healthyBots()); err != nil {
		return err
	}
	list, err := w.load(ctx, i.Rate, i.For, p.healthy)
	if err != nil {
		return err
	}
	k.rounds = append(k.rounds, times(list, ""))
	b.say("%s: 99%% within %.1f ms", k.name, milliseconds(quantile(times(list, ""), 0.99)))
	return nil
}

func (i *isolation) report(r *Result, alone, beside worldKind) {
	r.Axes = Axes{Title: "Healthy bots, beside healthy ones and beside 40% in trouble", X: "milliseconds", Y: "% of deliveries", LogX: true}
	r.Series = []Series{distribution(alone.name, alone.rounds[0]), distribution(beside.name, beside.rounds[0])}
	for _, q := range []struct {
		name string
		q    float64
	}{{"median", 0.5}, {"99%", 0.99}} {
		a, z := milliseconds(medianOf(alone.rounds, q.q)), milliseconds(medianOf(beside.rounds, q.q))
		r.add(q.name+", "+alone.name, a, "ms")
		r.add(q.name+", "+beside.name, z, "ms")
		f := r.add(q.name+", ratio", z/a, "×")
		if q.q == 0.99 {
			f.atMost(1.2).note("%.2f ms to %.2f ms when all are healthy", z, a)
		}
	}
}

// medianOf is the median of the rounds' quantiles.
func medianOf(rounds [][]time.Duration, q float64) float64 {
	var all []float64
	for _, r := range rounds {
		all = append(all, quantile(r, q))
	}
	return median(all)
}

// plight says which bots of n cities are in trouble.
type plight struct {
	n              int
	hangs, refuses string // URLs of servers that do so
}

// trouble is the server of a city's bot on a network; empty if the bot works.
// With a bot that panics in every third city there are 3⅓ bots a city; of these
// ⅔ hang and ⅓ are refused.
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
		for _, network := range networks() {
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
