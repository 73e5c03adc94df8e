package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"ticketfrei/db"
)

// afterCut is what came of one power cut.
type afterCut struct {
	trouble  []string // what is not as it should be; empty: nothing
	damaged  bool     // the database
	expected int      // deliveries of acknowledged mails
	lost     int      // of them, and of the reports
	open     int      // deliveries that were still to be made at the cut
	twice    int      // mails that came again
	started  time.Duration
}

// lookAtAll starts the program from what each cut left.
func (c *cutting) lookAtAll(ctx context.Context, r *Result) error {
	list := make([]afterCut, 0, len(c.cuts))
	for i, at := range c.cuts {
		a, err := c.lookAt(ctx, at)
		if err != nil {
			return fmt.Errorf("cut %d: %w", i+1, err)
		}
		c.bench.say("cut %d: %d mails acknowledged, %d deliveries to make, %d lost, %d twice", i+1, at.acknowledged, a.open, a.lost, a.twice)
		list = append(list, a)
	}
	return c.report(r, list)
}

// lookAt starts the program from what a cut left and compares what there is in
// the end with what was promised. The error is one of the benchmark.
func (c *cutting) lookAt(ctx context.Context, at cut) (afterCut, error) {
	var a afterCut
	if err := c.lookAtDatabase(ctx, at, &a); err != nil {
		return a, err
	}
	if err := c.disk.plugIn(at.file); err != nil {
		return a, err
	}
	p, err := c.program()
	if err != nil {
		return a, err
	}
	c.world.relay.forget()
	c.goOn(ctx, p, &a)
	if ctx.Err() != nil {
		return a, ctx.Err()
	}
	c.check(ctx, p.data, at, &a)
	if err := c.world.relay.waitLeft(ctx); err != nil {
		return a, err
	}
	texts, err := c.reports(ctx, p.data)
	if err != nil {
		a.trouble = append(a.trouble, err.Error())
	}
	c.compare(at, texts, &a)
	return a, c.disk.unplug(at.file)
}

// lookAtDatabase checks the database as the cut left it, on another copy: opening
// it mends it.
func (c *cutting) lookAtDatabase(ctx context.Context, at cut, a *afterCut) error {
	file := at.file + ".look"
	if err := cloneFile(at.file, file); err != nil {
		return err
	}
	if err := c.disk.plugIn(file); err != nil {
		return err
	}
	c.check(ctx, c.data(), at, a)
	return c.disk.unplug(file)
}

// data is the program's data directory on a snapshot.
func (c *cutting) data() string {
	inner, err := filepath.Rel(c.disk.disk(), c.world.program.data)
	if err != nil {
		inner = c.world.program.data // both are absolute: this cannot be
	}
	return filepath.Join(c.disk.cut(), inner)
}

// program is the program on a snapshot, not started yet.
func (c *cutting) program() (*program, error) {
	return newProgram(c.bench.binary, c.data(), c.world.relay.addr)
}

// goOn lets the program do what is left to be done.
func (c *cutting) goOn(ctx context.Context, p *program, a *afterCut) {
	began := time.Now()
	err := p.start(ctx)
	a.started = time.Since(began)
	if err == nil {
		err = p.waitIdle(ctx)
	}
	if err = errors.Join(err, p.stop()); err != nil {
		a.trouble = append(a.trouble, err.Error())
	}
}

// check looks whether the database in data is whole.
func (c *cutting) check(ctx context.Context, data string, at cut, a *afterCut) {
	var said string
	err := inDatabase(data, func(d *sql.DB) error {
		return d.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&said)
	})
	if err != nil || said != "ok" {
		a.damaged = true
		a.trouble = append(a.trouble, fmt.Sprintf("the database of %s says %q, %v", filepath.Base(at.file), said, err))
	}
}

// reports are the numbers of the reports in the database in data.
func (c *cutting) reports(ctx context.Context, data string) (map[int]bool, error) {
	stored := map[int]bool{}
	err := inDatabase(data, func(d *sql.DB) error {
		rows, err := d.QueryContext(ctx, "SELECT text FROM reports")
		if err != nil {
			return err
		}
		defer rows.Close()
		var text string
		for rows.Next() {
			if err := rows.Scan(&text); err != nil {
				return err
			}
			stored[findToken(text)] = true
		}
		return rows.Err()
	})
	return stored, err
}

// inDatabase opens the database in data, which no program has open.
func inDatabase(data string, look func(*sql.DB) error) error {
	d, err := sql.Open("sqlite3", "file:"+filepath.Join(data, db.FileName)+"?mode=rw")
	if err != nil {
		return err
	}
	return errors.Join(look(d), d.Close())
}

// compare counts what of the acknowledged mails is in the database, and what has
// come to whom it should, before the cut or after it.
func (c *cutting) compare(at cut, stored map[int]bool, a *afterCut) {
	came := map[seenKey]int{}
	for _, m := range c.before[:at.arrived] {
		came[seenKey{m.report, m.to}]++
	}
	early := len(came)
	for _, m := range c.world.relay.list() {
		came[seenKey{m.report, m.to}]++
	}
	for _, s := range c.acknowledged[:at.acknowledged] {
		if !stored[s.report] {
			a.lose("report %d is not in the database", s.report)
		}
		for _, to := range c.world.towns[s.city].subscribers {
			a.expected++
			if came[seenKey{s.report, to}] == 0 {
				a.lose("report %d did not come to %s", s.report, to)
			}
		}
	}
	a.open, a.twice = len(came)-early, again(came)
}

// lose notes that something was lost.
func (a *afterCut) lose(format string, v ...any) {
	if a.lost++; a.lost == 1 { // one example is enough
		a.trouble = append(a.trouble, fmt.Sprintf(format, v...))
	}
}

// report sums up what came of all cuts.
func (c *cutting) report(r *Result, list []afterCut) error {
	var whole, expected, lost, damaged, twice, open []float64
	var starts []time.Duration
	var troubles []error
	for i, a := range list {
		whole, damaged = append(whole, one(len(a.trouble) == 0)), append(damaged, one(a.damaged))
		expected, lost = append(expected, float64(a.expected)), append(lost, float64(a.lost))
		twice, open = append(twice, float64(a.twice)), append(open, float64(a.open))
		starts = append(starts, a.started)
		for _, text := range a.trouble {
			troubles = append(troubles, fmt.Errorf("cut %d: %s", i+1, text))
		}
	}
	cuts := float64(len(list))
	r.add("cuts that nothing was lost at", sum(whole), "").atLeast(cuts).note("of %.0f", cuts)
	r.add("mails answered with 250", float64(c.cuts[len(c.cuts)-1].acknowledged), "").note("before the last cut")
	r.add("deliveries of them", sum(expected), "").note("over all cuts")
	r.add("deliveries to be made after a cut", median(open), "").note("median")
	r.add("lost", sum(lost), "").atMost(0).note("of %.0f deliveries, and of their reports", sum(expected))
	r.add("databases damaged", sum(damaged), "").atMost(0).note("integrity_check, before the start and after it")
	r.add("mailed twice after one cut", quantile(twice, 1), "").note("at most; the last milliseconds are not on disk")
	r.add("longest start after a cut", milliseconds(quantile(starts, 1)), "ms")
	r.Axes = Axes{Title: "Power cuts", X: "cuts", Y: "mails"}
	acknowledged := Series{Name: "acknowledged"}
	toMake := Series{Name: "deliveries to be made"}
	for i, a := range list {
		acknowledged.Points = append(acknowledged.Points, Point{float64(i + 1), float64(c.cuts[i].acknowledged)})
		toMake.Points = append(toMake.Points, Point{float64(i + 1), float64(a.open)})
	}
	r.Series = []Series{acknowledged, toMake}
	return errors.Join(troubles...)
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}
