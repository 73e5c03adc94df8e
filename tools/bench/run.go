package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/alecthomas/kong"
)

// experiment is one question that is answered in figures.
type experiment interface {
	// name of the sub-command.
	name() string
	// what it measures, in one sentence.
	what() string
	// run measures. The figures it has when it fails are kept.
	run(ctx context.Context, b *bench, r *Result) error
}

// every lists the experiments in the order in which they run and are shown.
func (c *commands) every() []experiment {
	alone := []experiment{&c.MailIn, &c.Latency, &c.Isolation, &c.Scale, &c.Calls, &c.FanOut, &c.Censor, &c.Filters, &c.Pages, &c.Crash, &c.PowerCut, &c.Soak, &c.Full}
	return append(alone, c.Cluster.every()...)
}

// variant is the name of an experiment that is measured with old reports in the
// database, or with old reports and disturbances; plain without.
func variant(plain string, old int, disturbed bool) string {
	switch {
	case disturbed:
		return plain + variants[2]
	case old > 0:
		return plain + variants[1]
	}
	return plain + variants[0]
}

// variants are what is put after the names of experiments.
var variants = [...]string{"", "-old", "-disturbed"}

// experimentsOf returns the experiments of the command that was selected on the
// command line.
func experimentsOf(c *commands, selected any) ([]experiment, error) {
	if e, ok := selected.(experiment); ok {
		return []experiment{e}, nil
	}
	list := c.every()
	if _, ok := selected.(*allClusters); ok {
		list = c.Cluster.every()
	}
	list = slices.DeleteFunc(list, func(e experiment) bool { return slices.Contains(c.All.Skip, e.name()) })
	for _, e := range list {
		// The parser fills in the defaults of the selected command only.
		if err := kong.ApplyDefaults(e); err != nil {
			return nil, fmt.Errorf("defaults of %s: %w", e.name(), err)
		}
	}
	return list, nil
}

// errSkipped says that this machine lacks something an experiment needs.
var errSkipped = errors.New("left out")

// measure runs the experiments, prints what they found and writes what the
// flags ask for. The error names the experiments that failed.
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
	return errors.Join(append(failed, all.write(b))...)
}

// quickTimeout bounds an experiment of a quick run.
const quickTimeout = 3 * time.Minute

// perform runs one experiment.
func (b *bench) perform(ctx context.Context, e experiment) *Result {
	if b.Quick {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, quickTimeout)
		defer cancel()
	}
	fmt.Fprintf(b.progress, "%s …\n", e.name())
	r := &Result{Experiment: e.name(), What: e.what()}
	began := time.Now()
	err := e.run(ctx, b, r)
	r.Seconds = time.Since(began).Seconds()
	if err != nil && !r.skips(err) {
		r.Failed = err.Error()
	}
	return r
}
