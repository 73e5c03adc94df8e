package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// experiment is one question with an answer in figures.
type experiment interface {
	// name of the sub-command.
	name() string
	// what it measures, in a sentence.
	what() string
	// run measures. Figures that it has when it fails are kept.
	run(ctx context.Context, b *bench, r *Result) error
}

// experiments are all of them, in the order of docs/PERFORMANCE.md.
func (a *allCommand) experiments(c *commands) []experiment {
	all := []experiment{&c.MailIn, &c.Latency, &c.Isolation, &c.Scale, &c.FanOut, &c.Censor, &c.Pages, &c.Crash, &c.Soak}
	for _, e := range all {
		if d, ok := e.(interface{ defaults() }); ok {
			d.defaults()
		}
	}
	return slices.DeleteFunc(all, func(e experiment) bool { return slices.Contains(a.Skip, e.name()) })
}

// errSkipped is that something an experiment compares with is not there.
var errSkipped = errors.New("skipped")

// measure runs the experiments and shows what came out. The error says which
// of them failed.
func measure(ctx context.Context, f Flags, chosen []experiment, stdout, progress io.Writer) error {
	b, err := newBench(ctx, f, progress)
	if err != nil {
		return err
	}
	defer b.close()
	m, err := lookAtMachine(b.dir)
	if err != nil {
		return err
	}
	all := Report{Machine: m, Commit: commit(ctx), Quick: f.Quick, Began: time.Now()}
	printMachine(stdout, all)
	var failed []error
	for _, e := range chosen {
		r := b.perform(ctx, e)
		printResult(stdout, r)
		all.Results = append(all.Results, r)
		if r.Failed != "" {
			failed = append(failed, fmt.Errorf("%s: %s", r.Experiment, r.Failed))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(append(failed, all.write(f))...)
}

// perform runs one experiment.
func (b *bench) perform(ctx context.Context, e experiment) *Result {
	fmt.Fprintf(b.progress, "%s …\n", e.name())
	r := &Result{Experiment: e.name(), What: e.what()}
	began := time.Now()
	err := e.run(ctx, b, r)
	r.Seconds = time.Since(began).Seconds()
	switch {
	case errors.Is(err, errSkipped):
		r.Skipped = err.Error()
	case err != nil:
		r.Failed = err.Error()
	}
	return r
}
