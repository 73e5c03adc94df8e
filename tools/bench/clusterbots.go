package main

import (
	"context"
	"fmt"
	"time"
)

// clusterBots measures what many bots cost on three processes.
type clusterBots struct {
	Cities int           `default:"10000" help:"Number of cities, each with three bots."`
	Idle   time.Duration `default:"60s" help:"How long the idle processes are watched. A poll of Telegram takes 50 s: a shorter time misses it."`
	Rate   float64       `default:"20" help:"Reports a second, to see that everything works."`
	For    time.Duration `default:"10s" help:"For how long."`
	Open   bool          `default:"true" negatable:"" help:"Measure streams and polls, too."`
}

// wantCalledMemory is the target for what manyCities cities add to the memory of three
// processes together, in MB, where networks call and no connection is kept open.
const wantCalledMemory = 200.0

// fewCities are what processes have whose memory is their own.
const fewCities = 3

func (*clusterBots) name() string { return "cluster-bots" }
func (*clusterBots) what() string {
	return "cities with three bots each on three processes: streams and polls, and then Web Push and webhooks"
}

func (m *clusterBots) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		m.Cities, m.Idle, m.For = 100, 5*time.Second, 3*time.Second
	}
	ways, labels := []bool{false, true}, []string{"streams and polls", "push and webhooks"}
	if !m.Open {
		ways, labels = ways[1:], labels[1:]
	}
	r.Axes = Axes{Title: "Resident memory of three processes", Y: "MB", Labels: labels}
	own, err := m.ownMemory(ctx, b)
	if err != nil {
		return err
	}
	r.add("resident memory of all, with few cities", own, "MB").note("%d cities", fewCities)
	bars := make([]Series, 3)
	for _, called := range ways {
		list, err := m.measure(ctx, b, r, called, own)
		if err != nil {
			return err
		}
		for i, mb := range list {
			bars[i].Name = fmt.Sprintf("process %d", i+1)
			bars[i].Bars = append(bars[i].Bars, mb)
		}
	}
	r.Series = bars
	return nil
}

// ownMemory is that of three processes with few cities, after as many reports.
func (m *clusterBots) ownMemory(ctx context.Context, b *bench) (float64, error) {
	few := *m
	few.Cities, few.Idle = fewCities, time.Second
	all, err := few.measure(ctx, b, &Result{}, true, 0)
	sum := 0.0
	for _, mb := range all {
		sum += mb
	}
	return sum, err
}

// measure starts the processes and watches them. It returns the memory of each. own is
// what they have together with few cities.
func (m *clusterBots) measure(ctx context.Context, b *bench, r *Result, called bool, own float64) ([]float64, error) {
	c, front, err := m.open(ctx, b, called)
	if err != nil {
		return nil, err
	}
	defer front.close()
	defer c.close()
	began := time.Now()
	if err := c.startShared(ctx, 3*m.Cities); err != nil {
		return nil, err
	}
	up := time.Since(began)
	b.say("%d bots are up after %.1f s, called: %t", 3*m.Cities, up.Seconds(), called)
	if _, err := c.load(ctx, m.Rate, m.For, nil); err != nil {
		return nil, err
	}
	memory, idle, err := m.watch(ctx, b, c)
	if err != nil {
		return nil, err
	}
	label := "streams and polls: "
	if called {
		label = "push and webhooks: "
	}
	r.add(label+"start to all bots up", up.Seconds(), "s")
	open, err := c.connections()
	if err != nil {
		return nil, err
	}
	r.add(label+"open connections", float64(open), "").note("to the networks")
	added := m.report(r, label, memory, idle, own)
	if called && m.Cities >= manyCities {
		added.atMost(wantCalledMemory)
	}
	if m.Cities > fewCities {
		if err := c.heard(ctx, m.Rate, m.For); err != nil {
			return nil, fmt.Errorf("%sreports on Mastodon and Telegram: %w", label, err)
		}
	}
	return memory, c.stop()
}

// report adds the figures of each process and of all. It returns what the cities add to
// the memory that processes have of their own.
func (m *clusterBots) report(r *Result, label string, memory, idle []float64, own float64) *Figure {
	all, busy := 0.0, 0.0
	for i, mb := range memory {
		all, busy = all+mb, busy+idle[i]
		r.add(fmt.Sprintf("%sresident memory of process %d", label, i+1), mb, "MB")
		r.add(fmt.Sprintf("%sidle, of one core, process %d", label, i+1), idle[i], "%")
	}
	r.add(label+"resident memory of all", all, "MB")
	r.add(label+"idle, of one core, all", busy, "%")
	added := r.add(label+"memory that the cities add", all-own, "MB")
	added.note("%.0f to %.0f MB", all, own)
	return added
}

// open sets up three processes. Where networks call them, a wire stands in front of
// their pages, as a reverse proxy does: a call may come to any of them.
func (m *clusterBots) open(ctx context.Context, b *bench, called bool) (*cluster, *wire, error) {
	front, err := startWire()
	if err != nil {
		return nil, nil, err
	}
	c, err := newCluster(ctx, b, m.name(), m.Cities, 3, func(w *world) {
		if w.called = called; !called {
			return
		}
		for i := range w.towns {
			w.towns[i].mastodon.Allow("read", "write", "push")
		}
		w.program.env = append(w.program.env, "TICKETFREI_WEB_URL=http://"+front.addr)
		for _, way := range waysIn {
			w.program.env = append(w.program.env, way.setting+"="+way.called)
		}
	})
	if err != nil {
		front.close()
		return nil, nil, err
	}
	for _, p := range c.programs() {
		front.lead(p.web)
	}
	return c, front, nil
}

// heard writes reports on the networks that bots receive from, and waits until they
// have arrived everywhere.
func (c *cluster) heard(ctx context.Context, rate float64, while time.Duration) error {
	var list []sent
	for _, way := range waysIn {
		list = append(list, c.write(ctx, way.network, rate, while/2)...)
	}
	_, err := c.collect(ctx, list, nil)
	return err
}

// watch looks at each process while nothing happens: its memory in MB, and how much of
// a core it uses in %.
func (m *clusterBots) watch(ctx context.Context, b *bench, c *cluster) (memory, idle []float64, err error) {
	quiet := warmUp
	if b.Quick {
		quiet = 2 * time.Second
	}
	if err := rest(ctx, quiet); err != nil {
		return nil, nil, err
	}
	var before []time.Duration
	for _, p := range c.programs() {
		used, err := p.cpu()
		if err != nil {
			return nil, nil, err
		}
		before = append(before, used)
	}
	if err := rest(ctx, m.Idle); err != nil {
		return nil, nil, err
	}
	for i, p := range c.programs() {
		used, err := p.cpu()
		if err != nil {
			return nil, nil, err
		}
		mb, _, err := p.memory()
		if err != nil {
			return nil, nil, err
		}
		memory, idle = append(memory, mb), append(idle, 100*float64(used-before[i])/float64(m.Idle))
	}
	if !c.connected() {
		return nil, nil, fmt.Errorf("not all bots are connected any more: %d streams", c.mastodon.Streams())
	}
	return memory, idle, nil
}
