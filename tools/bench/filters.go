package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ticketfrei/filter"
	"ticketfrei/filter/filtertest"
)

// filterSpeed measures filters of streams, in this process.
type filterSpeed struct{}

func (*filterSpeed) name() string { return "filters" }
func (*filterSpeed) what() string {
	return "one verdict of a filter with eight parts, and the longest that filters of strangers take"
}

// The targets of filters.
const (
	wantFilter  = 5.0  // µs of a verdict
	wantHostile = 10.0 // ms of the processor
)

// How many filters of strangers are tried.
const (
	hostileFilters = 2_000
	fuzzedFilters  = 10_000
)

// eightParts is a filter as moderators write it who want much.
const eightParts = `passed and network != "mail" and line in ["U1", "U2", "U3"] and not (stop in ["Messe"]) and author.passed >= 2 and hour >= 6 and hour < 22 and not (text contains "test")`

func (s *filterSpeed) run(_ context.Context, b *bench, r *Result) error {
	w, err := filtertest.City()
	if err != nil {
		return err
	}
	runs := 5 // the best counts: whatever else the machine does only takes time
	if b.Quick {
		runs = 2
	}
	took := math.Inf(1)
	for range runs {
		once, err := verdictTime(w)
		if err != nil {
			return err
		}
		took = min(took, once)
	}
	r.add("eight parts", took, "µs").atMost(wantFilter)
	s.hostile(w, r)
	return nil
}

// verdictTime is how long a verdict takes, in microseconds.
func verdictTime(w filter.World) (float64, error) {
	w.Places = nil // any line will do
	f, err := filter.Compile(filter.Spec{When: eightParts}, w)
	if err != nil {
		return 0, err
	}
	subject := filtertest.Report()
	result := testing.Benchmark(func(tb *testing.B) {
		for tb.Loop() {
			if _, err := f.Matches(subject); err != nil {
				tb.Fatal(err)
			}
		}
	})
	return float64(result.T.Nanoseconds()) / float64(result.N) / 1000, nil
}

// hostile compiles filters of strangers, and has those that are taken look at the report
// that makes the most work.
func (s *filterSpeed) hostile(w filter.World, r *Result) {
	random := rand.New(rand.NewPCG(1, 2))
	worst := filtertest.Worst()
	var slowest time.Duration
	taken := 0
	for i := range hostileFilters + fuzzedFilters {
		tried := filtertest.Hostile(random)
		if i >= hostileFilters {
			tried = filtertest.Fuzzed(random)
		}
		var f *filter.Filter
		took := processor(func() {
			var err error
			if f, err = filter.Compile(filter.Spec{When: tried}, w); err == nil {
				_, _ = f.Matches(worst)
			}
		})
		if f != nil {
			taken++
		}
		slowest = max(slowest, took)
	}
	f := r.add("slowest of 12,000 of strangers", slowest.Seconds()*1000, "ms of the processor")
	f.atMost(wantHostile)
	f.Note = fmt.Sprintf("%d were taken, the others refused", taken)
}

// processor returns what do takes of the processor: at best of some times, as what
// collects garbage takes it too.
func processor(do func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := time.Hour
	for range 5 {
		before := threadTime()
		do()
		best = min(best, threadTime()-before)
		if best < time.Millisecond {
			break
		}
	}
	return best
}

// threadTime is what this thread has had of the processor.
func threadTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
