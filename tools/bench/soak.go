package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// soak measures nothing but time: does it all go on.
type soak struct {
	For    time.Duration `default:"30m" help:"For how long."`
	Cities int           `default:"60" help:"Number of cities, each with three bots."`
	Rate   float64       `default:"12" help:"Reports a second, by mail, on Mastodon and on Telegram in turn."`
	Disk   bool          `default:"true" negatable:"" help:"Fill up the disk (needs the right to mount one)."`
	Clock  bool          `default:"true" negatable:"" help:"Move the clock (builds the program with a clock that can be moved)."`
}

func (*soak) name() string { return "soak" }
func (*soak) what() string {
	return "reports on every network while relay, Mastodon, Telegram, disk and clock fail in turn"
}

func (s *soak) defaults() {
	*s = soak{For: 30 * time.Minute, Cities: 60, Rate: 12, Disk: true, Clock: true}
}

// What a soak is to end with, to what it was after a third of the time and at
// the beginning.
const (
	wantMemoryGrowth    = 1.2
	wantGoroutineGrowth = 1.1
)

// smallDiskSize is enough for the reports of the soak, in MB.
const smallDiskSize = 768

// soaking is a soak at work.
type soaking struct {
	*soak
	bench *bench
	world *world
	disk  *smallDisk // nil: not filled up
	clock *clock     // nil: not moved
	load  *mixedLoad

	calm    time.Duration // between two faults
	longest time.Duration // that a fault may last
	quiet   time.Duration // at the end: longer than the program keeps connections that nobody uses, 90 s
}

func (s *soak) run(ctx context.Context, b *bench, r *Result) (err error) {
	run := &soaking{soak: s, bench: b, calm: calm, longest: time.Minute, quiet: 100 * time.Second}
	if b.Quick {
		s.For, s.Cities, s.Clock = 35*time.Second, 12, false
		run.calm, run.longest, run.quiet = time.Second, 2*time.Second, 2*sampleEvery
	}
	binary := b.binary
	if s.Clock {
		b.say("building the program with a clock that can be moved")
		if binary, err = b.withClock(ctx); err != nil {
			return err
		}
	}
	if s.Disk {
		err := run.mount()
		if err != nil && !errors.Is(err, errSkipped) {
			return err
		}
		if err != nil {
			r.add("full disk", 0, "").Note = err.Error()
		} else {
			defer func() { err = errors.Join(err, run.disk.unmount()) }()
		}
	}
	if run.world, err = run.newWorld(ctx, binary); err != nil {
		return err
	}
	defer run.world.close()
	if s.Clock {
		run.clock = newClock(run.world.program)
	}
	if _, err := run.world.start(ctx, 3*s.Cities); err != nil {
		return err
	}
	return run.run(ctx, r)
}

func (s *soaking) mount() error {
	dir, err := s.bench.newDir("disk")
	if err != nil {
		return err
	}
	s.disk, err = mountSmallDisk(filepath.Join(dir, "small"), smallDiskSize)
	return err
}

// newWorld makes the cities; where there is a small disk, the data is on it.
func (s *soaking) newWorld(ctx context.Context, binary string) (*world, error) {
	b := *s.bench
	if s.disk != nil {
		b.dir = s.disk.dir
	}
	return newWorld(ctx, &b, "soak", binary, s.Cities, nil)
}

// sampleEvery is how often memory and goroutines are looked at.
const sampleEvery = 2 * time.Second

func (s *soaking) run(ctx context.Context, r *Result) error {
	began := time.Now()
	s.load = newMixedLoad(s.world, s.Rate)
	defer s.load.close()
	memory, goroutines := &Series{Name: "memory, MB"}, &Series{Name: "goroutines"}
	watching, stopWatching := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { s.watch(watching, began, memory, goroutines) })
	defer watcher.Wait()
	defer stopWatching()

	timed, stop := context.WithTimeout(ctx, s.For)
	defer stop()
	var struck int
	group, running := errgroup.WithContext(timed)
	group.Go(func() error { return s.load.run(running) })
	group.Go(func() (err error) { struck, err = s.strike(running); return err })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%w\nthe program, which runs: %t, said at last:\n%s", err, s.world.program.alive(), s.world.program.lastLines())
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.bench.say("the faults are over; waiting for what is on its way")
	lost, twice, expected, err := s.load.settle(ctx)
	if err != nil {
		return err
	}
	s.load.close()
	if err := rest(ctx, s.quiet); err != nil {
		return err
	}
	stopWatching()
	watcher.Wait()
	r.add("reports", float64(s.load.count()), "").Note = "by mail, on Mastodon and on Telegram"
	r.add("faults", float64(struck), "")
	r.add("mails put off by us", float64(s.load.putOff.Load()), "").Note = "answered 4xx, and sent again by their server"
	r.add("deliveries", float64(expected), "")
	r.add("lost", float64(lost), "").Target = atMost(0)
	r.add("came twice", float64(twice), "").Note = "a network had taken it and not said so"
	s.flat(r, memory, goroutines)
	r.Axes = Axes{Title: "Faults, one after the other", X: "minutes", Y: "MB, and goroutines"}
	r.Series = []Series{*memory, *goroutines}
	if lost > 0 {
		return fmt.Errorf("%d deliveries were lost", lost)
	}
	return s.world.program.stop()
}

// flat compares memory and goroutines at the end with those before.
func (s *soaking) flat(r *Result, memory, goroutines *Series) {
	if len(memory.Points) < 6 {
		return
	}
	n := len(memory.Points)
	then, now := level(memory.Points[n/3:n/3+n/10+1]), level(memory.Points[n-n/10-1:])
	r.add("memory after a third", then, "MB")
	r.add("memory at the end", now, "MB")
	r.add("memory, end to third", now/then, "×").Target = atMost(wantMemoryGrowth)
	first, last := goroutines.Points[0].Y, goroutines.Points[n-1].Y
	r.add("goroutines at the beginning", first, "")
	r.add("goroutines at the end", last, "")
	r.add("goroutines, end to beginning", last/first, "×").Target = atMost(wantGoroutineGrowth)
}

// level is the median of the points.
func level(points []Point) float64 {
	var all []float64
	for _, p := range points {
		all = append(all, p.Y)
	}
	return median(all)
}

// watch looks at memory and goroutines until ctx ends.
func (s *soaking) watch(ctx context.Context, began time.Time, memory, goroutines *Series) {
	for {
		now := time.Since(began).Minutes()
		mb, _, err := s.world.program.memory()
		values, failed := s.world.program.metrics(ctx)
		if err == nil && failed == nil {
			memory.Points = append(memory.Points, Point{now, mb})
			goroutines.Points = append(goroutines.Points, Point{now, values["go_goroutines"]})
		}
		if rest(ctx, sampleEvery) != nil {
			return
		}
	}
}
