package main

import (
	"context"
	"fmt"
	"time"
)

// scale measures what many cities cost.
type scale struct {
	Cities []int         `default:"100,1000,10000" help:"Numbers of cities, each with three bots."`
	Rate   float64       `default:"50" help:"Reports a second."`
	For    time.Duration `default:"30s" help:"For how long."`
	Idle   time.Duration `default:"60s" help:"How long the idle program is watched: longer than a poll of Telegram, 50 s, or that is left out."`
}

func (*scale) name() string { return "scale" }
func (*scale) what() string {
	return "cities with three live bots each: mail, an open Mastodon stream, an open Telegram poll"
}

func (s *scale) defaults() {
	*s = scale{Cities: []int{100, 1000, 10000}, Rate: 50, For: 30 * time.Second, Idle: 60 * time.Second}
}

// What ten thousand cities are to be: see the issue of the benchmark.
const (
	manyCities  = 10000
	wantUp      = 10.0  // s
	wantMemory  = 600.0 // MB
	wantIdle    = 3.0   // % of one core
	wantSlowing = 1.5   // p99 to that of the fewest
)

// settle is how long the program gets after its start before it counts as idle.
const settle = 10 * time.Second

// sized is what was measured with a number of cities.
type sized struct {
	cities     int
	up         time.Duration
	memory     float64 // MB
	idle       float64 // % of one core
	goroutines float64
	p50, p99   float64 // ms
}

func (s *scale) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		s.Cities, s.For, s.Idle = []int{100, 1000}, 4*time.Second, 5*time.Second
	}
	var list []sized
	r.Axes = Axes{Title: "What many cities cost, as a multiple of the fewest", X: "cities", Y: "×", LogX: true, LogY: true}
	for _, n := range s.Cities {
		m, err := s.measure(ctx, b, n)
		if err != nil {
			return fmt.Errorf("%d cities: %w", n, err)
		}
		list = append(list, m)
		s.report(r, m, list[0])
	}
	r.Series = growth(list)
	return nil
}

func (s *scale) measure(ctx context.Context, b *bench, n int) (sized, error) {
	m := sized{cities: n}
	w, err := newWorld(ctx, b, "scale", b.binary, n, nil)
	if err != nil {
		return m, err
	}
	defer w.close()
	if m.up, err = w.start(ctx, 3*n); err != nil {
		return m, err
	}
	b.say("%d cities are up after %.1f s", n, m.up.Seconds())
	if err := s.watch(ctx, b, w, &m); err != nil {
		return m, err
	}
	list, err := w.load(ctx, s.Rate, s.For, nil)
	if err != nil {
		return m, err
	}
	all := times(list, "")
	m.p50, m.p99 = milliseconds(quantile(all, 0.5)), milliseconds(quantile(all, 0.99))
	return m, w.program.stop()
}

// watch looks at the program while nothing happens.
func (s *scale) watch(ctx context.Context, b *bench, w *world, m *sized) error {
	quiet := settle
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

// report adds the figures of a size; first is the smallest.
func (s *scale) report(r *Result, m, first sized) {
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
			figure.Target = atMost(f.want)
		}
	}
	r.add(label+"goroutines", m.goroutines, "")
	r.add(label+"median", m.p50, "ms")
	r.add(label+"99% within", m.p99, "ms")
	if m.cities != first.cities {
		figure := r.add(fmt.Sprintf("%s99%%, to %d cities", label, first.cities), m.p99/first.p99, "×")
		if m.cities >= manyCities {
			figure.Target = atMost(wantSlowing)
		}
	}
}

// growth is how the figures grow, as multiples of the first.
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
		of("99% of deliveries", func(m sized) float64 { return m.p99 }),
	}
}
