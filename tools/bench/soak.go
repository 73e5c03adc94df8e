package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// soak measures whether everything goes on for a long time, whatever fails.
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

// The targets for the end of a soak.
const (
	wantMemoryGrowth    = 1.2 // to what it was after a third of the time
	wantGoroutineGrowth = 1.1 // to what it was at the beginning
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

	striking
	quiet time.Duration // at the end: longer than the program keeps idle connections, 90 s
}

func (s *soak) run(ctx context.Context, b *bench, r *Result) (err error) {
	run := &soaking{soak: s, bench: b, striking: striking{calm: calm, longest: time.Minute, say: b.say}, quiet: 100 * time.Second}
	if b.Quick {
		// The program with another clock takes minutes to build.
		s.For, s.Cities, s.Clock = 35*time.Second, 12, false
		run.calm, run.longest, run.quiet = time.Second, 2*time.Second, 2*sampleEvery
	}
	if s.Disk {
		if err := run.mount(); err != nil && !r.skips(err) {
			return err
		}
		defer func() { err = errors.Join(err, run.disk.unmount()) }()
	}
	if err := run.open(ctx); err != nil {
		return err
	}
	defer run.world.close()
	defer run.load.close()
	if _, err := run.world.start(ctx, 3*s.Cities); err != nil {
		return err
	}
	return run.run(ctx, r)
}

// open builds the program if its clock is to move, and sets it up.
func (s *soaking) open(ctx context.Context) (err error) {
	binary := s.bench.binary
	if s.Clock {
		s.bench.say("building the program with a clock that can be moved")
		if binary, err = s.bench.withClock(ctx); err != nil {
			return err
		}
	}
	if s.world, err = s.newWorld(ctx, binary); err != nil {
		return err
	}
	if s.Clock {
		s.clock = newClock(s.world.program)
	}
	s.load = newMixedLoad(s.world, s.Rate)
	return nil
}

func (s *soaking) mount() error {
	dir, err := s.bench.newDir("disk")
	if err != nil {
		return err
	}
	s.disk, err = mountSmallDisk(filepath.Join(dir, "small"), smallDiskSize)
	return err
}

// newWorld makes the cities. Their data is on the small disk if there is one.
func (s *soaking) newWorld(ctx context.Context, binary string) (*world, error) {
	b := *s.bench
	if s.disk != nil {
		b.dir = s.disk.dir
	}
	return newWorld(ctx, &b, "soak", binary, s.Cities, nil)
}

// run writes reports while faults come, waits until everything has arrived, and
// compares the end with the beginning.
func (s *soaking) run(ctx context.Context, r *Result) error {
	w := watchWorld(ctx, s.world)
	defer w.stop()
	faults, err := s.throughFaults(ctx)
	if err != nil {
		return err
	}
	s.bench.say("the faults are over; waiting for what is on its way")
	count, err := s.load.waitArrived(ctx)
	if err != nil {
		return err
	}
	s.load.close()
	if err := rest(ctx, s.quiet); err != nil {
		return err
	}
	w.stop()
	s.report(r, count, faults, w)
	if count.lost > 0 {
		return fmt.Errorf("%d deliveries were lost", count.lost)
	}
	return s.world.program.stop()
}

// throughFaults writes reports while one fault follows the other, until the
// time is over. It returns how many faults there were.
func (s *soaking) throughFaults(ctx context.Context) (faults int, err error) {
	timed, stop := context.WithTimeout(ctx, s.For)
	defer stop()
	group, running := errgroup.WithContext(timed)
	group.Go(func() error { return s.load.run(running) })
	s.list = s.faults()
	group.Go(func() (err error) { faults, err = s.strike(running); return err })
	if err := group.Wait(); err != nil {
		return faults, fmt.Errorf("%w\nthe program, which runs: %t, said at last:\n%s", err, s.world.program.alive(), s.world.program.lastLines())
	}
	return faults, ctx.Err()
}

func (s *soaking) report(r *Result, count tally, faults int, w *watch) {
	r.add("reports", float64(s.load.count()), "").note("by mail, on Mastodon and on Telegram")
	r.add("faults", float64(faults), "")
	r.add("mails put off by us", float64(s.load.putOff.Load()), "").note("answered 4xx, and sent again by their server")
	r.add("deliveries", float64(count.expected), "")
	r.add("lost", float64(count.lost), "").atMost(0).note("of %d deliveries, with %d faults", count.expected, faults)
	r.add("came twice", float64(count.twice), "").note("a network had taken it and not said so")
	flat(r, w.memory.Points, w.goroutines.Points)
	r.Axes = Axes{Title: "Faults, one after the other", X: "minutes", Y: "MB, and goroutines"}
	r.Series = []Series{w.memory, w.goroutines}
}

// flat compares memory and goroutines at the end with those before.
func flat(r *Result, memory, goroutines []Point) {
	n := len(memory)
	if n < 6 {
		return
	}
	then, now := level(memory[n/3:n/3+n/10+1]), level(memory[n-n/10-1:])
	r.add("memory after a third", then, "MB")
	r.add("memory at the end", now, "MB")
	r.add("memory, end to third", now/then, "×").atMost(wantMemoryGrowth).note("%.1f to %.1f MB", now, then)
	first, last := goroutines[0].Y, goroutines[n-1].Y
	r.add("goroutines at the beginning", first, "")
	r.add("goroutines at the end", last, "")
	r.add("goroutines, end to beginning", last/first, "×").atMost(wantGoroutineGrowth).note("%.0f to %.0f", last, first)
}

// level is the median of the points.
func level(points []Point) float64 {
	var all []float64
	for _, p := range points {
		all = append(all, p.Y)
	}
	return median(all)
}

// sampleEvery is how often memory and goroutines are looked at.
const sampleEvery = 2 * time.Second

// watch is what was seen of memory and goroutines. It may be read after stop.
type watch struct {
	memory, goroutines Series
	cancel             context.CancelFunc
	done               chan struct{}
}

// watchWorld looks at the programs until it is stopped.
func watchWorld(ctx context.Context, world *world) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{Series{Name: "memory, MB"}, Series{Name: "goroutines"}, cancel, make(chan struct{})}
	go func() {
		defer close(w.done)
		for began := time.Now(); ; {
			w.look(ctx, world, time.Since(began).Minutes())
			if rest(ctx, sampleEvery) != nil {
				return
			}
		}
	}()
	return w
}

// look adds the figures of all programs, unless one of them has ended or stands still.
func (w *watch) look(ctx context.Context, world *world, now float64) {
	ctx, cancel := context.WithTimeout(ctx, sampleEvery)
	defer cancel()
	all := 0.0
	for _, p := range world.programs() {
		mb, _, err := p.memory()
		if err != nil || mb == 0 {
			return
		}
		all += mb
	}
	values, err := world.metrics(ctx)
	if err == nil {
		w.memory.Points = append(w.memory.Points, Point{now, all})
		w.goroutines.Points = append(w.goroutines.Points, Point{now, values["go_goroutines"]})
	}
}

// stop may be called twice.
func (w *watch) stop() {
	w.cancel()
	<-w.done
}
