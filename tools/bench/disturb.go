package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

const (
	// keepAll is what reports.keep is while nothing is to be cleaned: longer
	// than the oldest reports are old.
	keepAll = 30 * 24 * time.Hour
	// turnWarmUp is for how long reports are sent before each turn counts: the
	// program has just been started.
	turnWarmUp = 5 * time.Second
	// turnOverhead is more than a turn takes beside its measurement.
	turnOverhead = 90 * time.Second
)

// old are the old reports of a run. With disturbances, twice as many of them
// expire a second as new ones come in, for as long as it lasts.
func (l *latency) old() oldReports {
	o := oldReports{count: l.Old, rate: 2 * l.Rate}
	if l.Disturb {
		long := time.Duration(l.Rounds) * (l.For + turnOverhead)
		o.soon = min(l.Old/2, int(o.rate*long.Seconds()))
	}
	return o
}

// disturbances are what happens beside the reports of a turn.
type disturbances struct{ backups, cleaned int }

// runInTurn measures with and without disturbances in turn. The program is
// started for each turn, since reports.keep is what decides whether it has
// something to clean.
func (l *latency) runInTurn(ctx context.Context, b *bench, r *Result, w *world) error {
	var calm, disturbed []delivery
	var beside disturbances
	for round := range l.Rounds {
		b.say("round %d of %d: %.0f reports/s for %s without, then with disturbances", round+1, l.Rounds, l.Rate, l.For)
		list, err := l.turn(ctx, w, keepAll, nil)
		if err != nil {
			return fmt.Errorf("undisturbed: %w", err)
		}
		calm = append(calm, list...)
		if list, err = l.disturbedTurn(ctx, b, w, &beside); err != nil {
			return fmt.Errorf("disturbed: %w", err)
		}
		disturbed = append(disturbed, list...)
	}
	l.reportInTurn(r, calm, disturbed, beside)
	return nil
}

// turn starts the program, sends reports for a while, with beside running at the
// same time, and stops it. beside ends when its context does; nil is nothing.
func (l *latency) turn(ctx context.Context, w *world, keep time.Duration, beside func(context.Context) error) (list []delivery, err error) {
	w.program.env = append(w.program.env, "TICKETFREI_REPORTS_KEEP="+keep.Round(time.Second).String())
	if _, err := w.start(ctx, 3*l.Cities); err != nil {
		return nil, err
	}
	if _, err := w.load(ctx, l.Rate, min(turnWarmUp, l.For), nil); err != nil {
		return nil, err
	}
	besides, stop := context.WithCancel(ctx)
	defer stop()
	var failed error
	var running sync.WaitGroup
	if beside != nil {
		running.Go(func() { failed = beside(besides) })
	}
	list, err = w.load(ctx, l.Rate, l.For, nil)
	stop()
	running.Wait()
	return list, errors.Join(err, failed, w.program.stop())
}

// disturbedTurn is a turn with backups and with reports that expire from its
// beginning on.
func (l *latency) disturbedTurn(ctx context.Context, b *bench, w *world, d *disturbances) ([]delivery, error) {
	oldest, err := w.query(ctx, "SELECT min(received) FROM reports")
	if err != nil {
		return nil, err
	}
	dir, err := b.newDir("backup")
	if err != nil {
		return nil, err
	}
	count := func() (int, error) {
		return w.query(ctx, "SELECT count(*) FROM reports WHERE received < ?", time.Now().Add(-oldEnds).UnixMilli())
	}
	before, err := count()
	if err != nil {
		return nil, err
	}
	list, err := l.turn(ctx, w, time.Since(time.UnixMilli(int64(oldest))), func(ctx context.Context) (err error) {
		d.backups, err = w.program.backUpAgainAndAgain(ctx, dir, d.backups)
		return err
	})
	if err != nil {
		return nil, err
	}
	after, err := count()
	d.cleaned += before - after
	return list, err
}

// backUpAgainAndAgain lets another process back up the database until ctx ends.
// It adds the backups that were begun to n, and leaves none of them behind.
func (p *program) backUpAgainAndAgain(ctx context.Context, dir string, n int) (int, error) {
	defer os.RemoveAll(dir)
	for ctx.Err() == nil {
		file := filepath.Join(dir, "backup.db")
		cmd := exec.CommandContext(ctx, p.binary, "backup", file)
		cmd.Env = p.env
		n++
		if out, err := cmd.CombinedOutput(); err != nil && ctx.Err() == nil {
			return n, fmt.Errorf("backup: %w\n%s", err, out)
		}
		for _, f := range []string{file, file + "-journal"} {
			_ = os.Remove(f) // it may not be there
		}
	}
	return n, nil
}

func (l *latency) reportInTurn(r *Result, calm, disturbed []delivery, d disturbances) {
	r.Axes = Axes{Title: "With and without backups and cleaning", X: "milliseconds", Y: "% of deliveries", LogX: true}
	r.add("old reports in the database", float64(l.Old), "")
	r.add("old reports that were deleted meanwhile", float64(d.cleaned), "")
	r.add("backups begun meanwhile", float64(d.backups), "")
	p99 := map[string]float64{}
	for _, of := range []struct {
		name string
		list []delivery
	}{{"undisturbed", calm}, {"disturbed", disturbed}} {
		all := times(of.list, "")
		p99[of.name] = milliseconds(quantile(all, 0.99))
		r.add(of.name+" reports", float64(len(of.list)/3), "").note("each arrived once at each of three networks")
		r.add(of.name+" median", milliseconds(quantile(all, 0.5)), "ms")
		r.add(of.name+" 99% within", p99[of.name], "ms").atMost(wantP99)
		r.add(of.name+" slowest", milliseconds(quantile(all, 1)), "ms")
		answered := answers(of.list)
		r.add(of.name+" median until 250", milliseconds(quantile(answered, 0.5)), "ms")
		r.add(of.name+" 99% until 250", milliseconds(quantile(answered, 0.99)), "ms")
		r.Series = append(r.Series, distribution(of.name, all))
	}
	r.add("99%, disturbed to undisturbed", p99["disturbed"]/p99["undisturbed"], "×").
		note("%.2f ms to %.2f ms", p99["disturbed"], p99["undisturbed"])
}
