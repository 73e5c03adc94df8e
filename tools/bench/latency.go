package main

import (
	"context"
	"errors"
	"time"
)

// The targets for a report's way through the program.
const (
	wantMedian = 1.8  // ms
	wantP99    = 15.0 // ms
)

// latency measures how long a report takes through the program.
type latency struct {
	Cities  int           `default:"1000" help:"Number of cities, each with three bots."`
	Rate    float64       `default:"50" help:"Reports a second."`
	For     time.Duration `default:"60s" help:"For how long."`
	Old     int           `placeholder:"N" help:"Old reports in the database at the start."`
	Disturb bool          `help:"Measure in turn with and without backups and the cleaning of expired reports beside. Needs --old."`
	Rounds  int           `default:"3" help:"With --disturb: how often the two take turns."`
}

func (l *latency) name() string { return variant("latency", l.Old, l.Disturb) }
func (*latency) what() string {
	return "from the end of DATA to the request at Mastodon, Telegram and the relay"
}

// Validate refuses disturbances that would be none. The command line calls it.
func (l *latency) Validate() error {
	if l.Disturb && l.Old <= 0 {
		return errors.New("--disturb needs --old: there would be nothing to clean and little to back up")
	}
	return nil
}

func (l *latency) run(ctx context.Context, b *bench, r *Result) error {
	if b.Quick {
		l.Cities, l.For, l.Rounds = 100, 4*time.Second, 1
	}
	w, err := newWorld(ctx, b, "latency", b.binary, l.Cities, nil)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.writeOld(ctx, l.old()); err != nil {
		return err
	}
	if l.Disturb {
		return l.runInTurn(ctx, b, r, w)
	}
	if _, err := w.start(ctx, 3*l.Cities); err != nil {
		return err
	}
	b.say("%d cities are up; %.0f reports/s for %s", l.Cities, l.Rate, l.For)
	list, err := w.load(ctx, l.Rate, l.For, nil)
	if err != nil {
		return err
	}
	l.report(r, list)
	return w.program.stop()
}

func (l *latency) report(r *Result, list []delivery) {
	r.add("reports", float64(len(list)/3), "").note("each arrived once at each of three networks")
	all := times(list, "")
	r.add("median", milliseconds(quantile(all, 0.5)), "ms").atMost(wantMedian)
	r.add("99% within", milliseconds(quantile(all, 0.99)), "ms").atMost(wantP99)
	r.add("slowest", milliseconds(quantile(all, 1)), "ms")
	r.Axes = Axes{Title: "From the end of a mail to its arrival", X: "milliseconds", Y: "% of deliveries", LogX: true}
	for _, network := range networks() {
		own := times(list, network)
		r.add(network+" median", milliseconds(quantile(own, 0.5)), "ms")
		r.add(network+" 99%", milliseconds(quantile(own, 0.99)), "ms")
		r.Series = append(r.Series, distribution(network, own))
	}
	answered := answers(list)
	r.add("median until 250", milliseconds(quantile(answered, 0.5)), "ms").note("the report is on disk")
	r.add("99% until 250", milliseconds(quantile(answered, 0.99)), "ms")
	if l.Old > 0 {
		r.add("old reports in the database", float64(l.Old), "")
	}
}

// answers are the times until the reports were answered with 250, once for each
// delivery.
func answers(list []delivery) []time.Duration {
	all := make([]time.Duration, 0, len(list))
	for _, d := range list {
		all = append(all, d.sent.took)
	}
	return all
}
