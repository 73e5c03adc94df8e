package main

import (
	"context"
	"fmt"
	"time"
)

// scale measures what many cities cost.
type scale struct {
	Cities []int         `default:"100,1000,10000" help:"Numbers of cities, each with three bots; the others are compared with the first."`
	Rate   float64       `default:"50" help:"Reports a second."`
	For    time.Duration `default:"10s" help:"For how long, each time."`
	Rounds int           `default:"3" help:"How often, in turn with the first number of cities."`
	Idle   time.Duration `default:"60s" help:"How long the idle program is watched. A poll of Telegram takes 50 s: a shorter time misses it."`
}

func (*scale) name() string { return "scale" }
func (*scale) what() string {
	return "cities with three live bots each: mail, an open Mastodon stream, an open Telegram poll"
}

// The targets for manyCities.
const (
	manyCities  = 10000
	wantUp      = 10.0  // s
	wantMemory  = 500.0 // MB
	wantIdle    = 2.5   // % of one core
	wantSlowing = 1.5   // p99 to that of the fewest cities
)

// warmUp is how long the program gets after its start before it counts as idle.
const warmUp = 10 * time.Second

// sized is what was measured with one number of cities.
type sized struct {
	cities     int
	up         time.Duration
	memory     float64 // MB
	idle       float64 // % of one core
	goroutines float64
	took       []time.Duration // of its deliveries
	first      []time.Duration // of those with the first number of cities, in turn
}

func (s *scale) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		s.Cities, s.For, s.Rounds, s.Idle = []int{100, 1000}, 4*time.Second, 1, 5*time.Second
	}
	r.Axes = Axes{Title: "What many cities cost, as a multiple of the fewest", X: "cities", Y: "×", LogX: true, LogY: true}
	w, first, err := s.open(ctx, b, s.Cities[0])
	if err != nil {
		return err
	}
	defer w.close()
	for range s.Rounds {
		if err := s.load(ctx, w, &first.took); err != nil {
			return err
		}
	}
	list := []sized{first}
	for _, n := range s.Cities[1:] {
		m, err := s.beside(ctx, b, w, n)
		if err != nil {
			return err
		}
		list = append(list, m)
	}
	for _, m := range list {
		s.report(r, m)
	}
	r.Series = growth(list)
	return w.program.stop()
}

// open starts a world of n cities and watches it.
func (s *scale) open(ctx context.Context, b *bench, n int) (*world, sized, error) {
	m := sized{cities: n}
	w, err := newWorld(ctx, b, "scale", b.binary, n, nil)
	if err != nil {
		return nil, m, err
	}
	if m.up, err = w.start(ctx, 3*n); err == nil {
		b.say("%d cities are up after %.1f s", n, m.up.Seconds())
		err = s.watch(ctx, b, w, &m)
	}
	if err != nil {
		w.close()
		return nil, m, fmt.Errorf("%d cities: %w", n, err)
	}
	return w, m, nil
}

// beside measures n cities. Their times are taken in turn with those of the
// first world.
func (s *scale) beside(ctx context.Context, b *bench, first *world, n int) (sized, error) {
	w, m, err := s.open(ctx, b, n)
	if err != nil {
		return m, err
	}
	defer w.close()
	for range s.Rounds {
		if err := s.load(ctx, first, &m.first); err != nil {
			return m, err
		}
		if err := s.load(ctx, w, &m.took); err != nil {
			return m, err
		}
	}
	return m, w.program.stop()
}

// load sends reports to a world and adds the times of their deliveries.
func (s *scale) load(ctx context.Context, w *world, took *[]time.Duration) error {
	list, err := w.load(ctx, s.Rate, s.For, nil)
	if err != nil {
		return fmt.Errorf("%d cities: %w", len(w.towns), err)
	}
	*took = append(*took, times(list, "")...)
	return nil
}

// watch looks at the program while nothing happens.
func (s *scale) watch(ctx context.Context, b *bench, w *world, m *sized) error {
	quiet := warmUp
	if b.Quick {
		quiet = 2 * time.Second
	}
	if err := rest(ctx, quiet); err != nil {
		return err
	}
	before, err := w.program.cpu()
	if err != nil {
		return err
	}
	if err := rest(ctx, s.Idle); err != nil {
		return err
	}
	after, err := w.program.cpu()
	if err != nil {
		return err
	}
	m.idle = 100 * float64(after-before) / float64(s.Idle)
	if m.memory, _, err = w.program.memory(); err != nil {
		return err
	}
	if !w.connected() {
		return fmt.Errorf("not all connections are open any more: %d of %d streams", w.mastodon.Streams(), m.cities)
	}
	values, err := w.program.metrics(ctx)
	m.goroutines = values["go_goroutines"]
	return err
}

// rest does nothing for a while.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// report adds the figures of one number of cities.
func (s *scale) report(r *Result, m sized) {
	label := fmt.Sprintf("%d cities: ", m.cities)
	for _, f := range []struct {
		name, unit  string
		value, want float64
	}{
		{"start to all bots up", "s", m.up.Seconds(), wantUp},
		{"resident memory", "MB", m.memory, wantMemory},
		{"idle, of one core", "%", m.idle, wantIdle},
	} {
		figure := r.add(label+f.name, f.value, f.unit)
		if m.cities >= manyCities {
			figure.atMost(f.want)
		}
	}
	r.add(label+"goroutines", m.goroutines, "")
	r.add(label+"median", milliseconds(quantile(m.took, 0.5)), "ms")
	r.add(label+"99% within", milliseconds(quantile(m.took, 0.99)), "ms")
	if len(m.first) > 0 {
		figure := r.add(fmt.Sprintf("%s99%%, to %d cities", label, s.Cities[0]), m.slowing(), "×")
		figure.note("theirs in turn %.2f ms", milliseconds(quantile(m.first, 0.99)))
		if m.cities >= manyCities {
			figure.atMost(wantSlowing)
		}
	}
}

// slowing is the p99 as a multiple of that of the first number of cities.
func (m sized) slowing() float64 {
	if len(m.first) == 0 {
		return 1
	}
	return quantile(m.took, 0.99) / quantile(m.first, 0.99)
}

// growth is how the figures grow, as multiples of the first ones.
func growth(list []sized) []Series {
	of := func(name string, value func(sized) float64) Series {
		s := Series{Name: name}
		for _, m := range list {
			s.Points = append(s.Points, Point{float64(m.cities), max(0.01, value(m)/max(0.01, value(list[0])))})
		}
		return s
	}
	return []Series{
		of("start", func(m sized) float64 { return m.up.Seconds() }),
		of("memory", func(m sized) float64 { return m.memory }),
		of("99% of deliveries", sized.slowing),
	}
}
