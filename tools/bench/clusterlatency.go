package main

import (
	"context"
	"time"
)

// clusterLatency measures how long a report takes through one process on PostgreSQL.
type clusterLatency struct {
	Cities int           `default:"1000" help:"Number of cities, each with three bots."`
	Rate   float64       `default:"50" help:"Reports a second."`
	For    time.Duration `default:"20s" help:"For how long, each time."`
	Rounds int           `default:"5" help:"How often PostgreSQL and SQLite take turns."`
}

// The targets for a report's way through one process on PostgreSQL, which shares the
// cores.
const (
	wantServerMedian = 5.0  // ms
	wantServerP99    = 20.0 // ms
)

func (*clusterLatency) name() string { return "cluster-latency" }
func (*clusterLatency) what() string {
	return "one process on PostgreSQL, in turn with one on SQLite: from the end of DATA to the request at Mastodon, Telegram and the relay"
}

func (l *clusterLatency) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		l.Cities, l.For, l.Rounds = 50, 3*time.Second, 1
	}
	c, err := newCluster(ctx, b, l.name(), l.Cities, 1, nil)
	if err != nil {
		return err
	}
	defer c.close()
	file, err := newWorld(ctx, b, l.name(), b.binary, l.Cities, nil)
	if err != nil {
		return err
	}
	defer file.close()
	if err := c.startShared(ctx, 3*l.Cities); err != nil {
		return err
	}
	if _, err := file.start(ctx, 3*l.Cities); err != nil {
		return err
	}
	b.say("%d cities are up on each; %.0f reports/s for %s, in turn, %d times", l.Cities, l.Rate, l.For, l.Rounds)
	var onServer, onFile []delivery
	for range l.Rounds {
		list, err := c.load(ctx, l.Rate, l.For, nil)
		if err != nil {
			return err
		}
		onServer = append(onServer, list...)
		if list, err = file.load(ctx, l.Rate, l.For, nil); err != nil {
			return err
		}
		onFile = append(onFile, list...)
	}
	l.report(r, onServer, onFile)
	return c.stop()
}

func (l *clusterLatency) report(r *Result, onServer, onFile []delivery) {
	r.Axes = Axes{Title: "From the end of a mail to its arrival", X: "milliseconds", Y: "% of deliveries", LogX: true}
	r.add("reports", float64(len(onServer)/3), "").note("each arrived once at each of three networks; as many on SQLite")
	for _, m := range []struct {
		name string
		list []delivery
	}{{"PostgreSQL", onServer}, {"SQLite", onFile}} {
		all := times(m.list, "")
		want := func(*Figure, float64) {}
		if m.name == "PostgreSQL" {
			want = func(f *Figure, v float64) { f.atMost(v) }
		}
		want(r.add(m.name+" median", milliseconds(quantile(all, 0.5)), "ms"), wantServerMedian)
		want(r.add(m.name+" 99% within", milliseconds(quantile(all, 0.99)), "ms"), wantServerP99)
		r.add(m.name+" slowest", milliseconds(quantile(all, 1)), "ms")
		answered := answers(m.list)
		r.add(m.name+" median until 250", milliseconds(quantile(answered, 0.5)), "ms").note("the report is on disk")
		r.Series = append(r.Series, distribution(m.name, all))
	}
}
