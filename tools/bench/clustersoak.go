package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketfrei/bots/kit/standin"
)

// clusterSoak measures whether three processes go on for a long time, whatever fails.
type clusterSoak struct {
	For    time.Duration `default:"30m" help:"For how long."`
	Cities int           `default:"64" help:"Number of cities, each with three bots."`
	Rate   float64       `default:"12" help:"Reports a second, by mail, on Mastodon and on Telegram in turn."`
}

func (*clusterSoak) name() string { return "cluster-soak" }
func (*clusterSoak) what() string {
	return "reports on every network while one of three processes, its way to PostgreSQL, PostgreSQL, relay and Mastodon fail in turn"
}

func (s *clusterSoak) run(ctx context.Context, b *bench, r *Result) error {
	pause, longest, quiet := calm, time.Minute, 100*time.Second
	if b.Quick {
		s.For = 20 * time.Second
		pause, longest, quiet = 500*time.Millisecond, 1500*time.Millisecond, 2*sampleEvery
	}
	c, err := newCluster(ctx, b, s.name(), s.Cities, 3, nil)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.wire(); err != nil {
		return err
	}
	if err := c.startShared(ctx, 3*s.Cities); err != nil {
		return err
	}
	load := newMixedLoad(c.world, s.Rate)
	defer load.close()
	w := watchWorld(ctx, c.world)
	defer w.stop()
	o := watchOverlaps(ctx, c.world)
	defer o.stop()
	faults, err := s.throughFaults(ctx, &striking{say: b.say, list: c.faults(ctx), calm: pause, longest: longest}, load)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, c.lastWords())
	}
	b.say("the faults are over; waiting for what is on its way")
	count, err := load.waitArrived(ctx)
	if err != nil {
		return err
	}
	load.close()
	if err := rest(ctx, quiet); err != nil {
		return err
	}
	w.stop()
	o.stop()
	if err := s.report(r, load, count, faults, w, o); err != nil {
		return err
	}
	return c.stop()
}

// throughFaults writes reports while one fault follows the other, until the time is
// over. It returns how many faults there were.
func (s *clusterSoak) throughFaults(ctx context.Context, f *striking, load *mixedLoad) (faults int, err error) {
	timed, stop := context.WithTimeout(ctx, s.For)
	defer stop()
	group, running := errgroup.WithContext(timed)
	group.Go(func() error { return load.run(running) })
	group.Go(func() (err error) { faults, err = f.strike(running); return err })
	if err := group.Wait(); err != nil {
		return faults, err
	}
	return faults, ctx.Err()
}

// lastWords are the last lines of all programs.
func (c *cluster) lastWords() string {
	text := ""
	for i, p := range c.programs() {
		text += fmt.Sprintf("process %d, which runs: %t, said at last:\n%s\n", i+1, p.alive(), p.lastLines())
	}
	return text
}

// faults are all that the soak has, in the order in which they come. Each meets
// another process than the one before it.
func (c *cluster) faults(ctx context.Context) []fault {
	turn := 0
	var p *program
	var way *wire
	// next chooses a process and lets it fail.
	next := func(do func() error) func() error {
		return func() error {
			turn++
			i := turn % len(c.wires)
			p, way = c.programs()[i], c.wires[i]
			return do()
		}
	}
	start := func() error { return p.start(ctx) }
	mend := func() error { way.mend(); return nil }
	signal := func(s syscall.Signal) func() error { return func() error { return p.signal(s) } }
	ends := func(s syscall.Signal) func() error { return func() error { return c.server.end(s) } }
	again := func() error { return c.server.start(ctx) }
	return []fault{
		{"a process is killed", 5 * time.Second, next(func() error { p.kill(); return nil }), start},
		{"a process is stopped and goes on", 25 * time.Second, next(signal(syscall.SIGSTOP)), signal(syscall.SIGCONT)},
		{"a process and PostgreSQL are cut apart", 25 * time.Second, next(func() error { way.sever(); return nil }), mend},
		{"a process hears nothing from PostgreSQL", 25 * time.Second, next(func() error { way.hang(); return nil }), mend},
		{"PostgreSQL is restarted", time.Second, ends(syscall.SIGINT), again},
		{"PostgreSQL crashes", 5 * time.Second, ends(syscall.SIGQUIT), again},
		{"a process is told to end, and another begins", time.Second, next(func() error { return p.stop() }), start},
		{"the relay stalls", 5 * time.Second, func() error { c.relay.fail(sinkStalls); return nil }, c.mendRelay},
		{"Mastodon answers 502", 5 * time.Second, func() error { c.mastodon.Fail("", -1, standin.HTML(502)); return nil }, func() error { c.mastodon.Mend(); return nil }},
	}
}

func (s *clusterSoak) report(r *Result, load *mixedLoad, count tally, faults int, w *watch, o *overlaps) error {
	r.add("reports", float64(load.count()), "").note("by mail, on Mastodon and on Telegram")
	r.add("faults", float64(faults), "")
	r.add("mails put off by us", float64(load.putOff.Load()), "").note("answered 4xx or not at all, and sent again by their server")
	r.add("deliveries", float64(count.expected), "")
	r.add("lost", float64(count.lost), "").atMost(0).note("of %d deliveries, with %d faults", count.expected, faults)
	r.add("came twice", float64(count.twice), "").note("what was on its way when a process was killed, or had not been stored")
	streams, polls := o.count()
	r.add("streams of one account by two", float64(streams), "")
	r.add("polls of one bot by two", float64(polls), "")
	flat(r, w.memory.Points, w.goroutines.Points)
	r.Axes = Axes{Title: "Faults of three processes, one after the other", X: "minutes", Y: "MB, and goroutines"}
	r.Series = []Series{w.memory, w.goroutines}
	if count.lost > 0 {
		return fmt.Errorf("%d deliveries were lost", count.lost)
	}
	return nil
}
