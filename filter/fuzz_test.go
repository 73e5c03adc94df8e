package filter_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"ticketfrei/filter"
	"ticketfrei/filter/filtertest"
	"ticketfrei/internal/slow"
)

// bounded compiles a filter of a stranger, and wants that it is refused with words or
// takes a bounded number of steps.
func bounded(t *testing.T, source string, w filter.World, s filter.Subject) (taken bool) {
	t.Helper()
	f, err := filter.Compile(filter.Spec{When: source}, w)
	if e, ok := errors.AsType[*filter.Error](err); ok {
		e.Marked()
		if id, _ := e.Message(); e.Error() == "" || e.Text() == "" || id == "" {
			t.Errorf("%q: no words", source)
		}
		return false
	}
	if err != nil {
		t.Fatalf("%q: %v", source, err)
	}
	if filter.Steps(f) > filter.MaxSteps {
		t.Errorf("%q takes %v steps", source, filter.Steps(f))
	}
	if _, err := f.Matches(s); err != nil {
		t.Errorf("%q: %v", source, err)
	}
	return true
}

// TestHostile compiles 2,000 hostile expressions and 10,000 that are made of right ones
// with some signs changed. How long they take is seen in BenchmarkHostile.
func TestHostile(t *testing.T) {
	slow.Test(t, "compiles thousands of filters")
	w, s := filtertest.MustCity(t), filtertest.Worst()
	r := rand.New(rand.NewPCG(3, 4))
	taken := 0
	for range 2000 {
		if bounded(t, filtertest.Hostile(r), w, s) {
			taken++
		}
	}
	for range 10_000 {
		if bounded(t, filtertest.Fuzzed(r), w, s) {
			taken++
		}
	}
	if taken < 100 {
		t.Errorf("only %d were taken: they try too little", taken)
	}
}

// FuzzCompile checks that whatever is compiled is bounded, and harms nobody.
func FuzzCompile(f *testing.F) {
	w, s := filtertest.MustCity(f), filtertest.Worst()
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		f.Add(filtertest.Hostile(r))
	}
	for _, source := range filtertest.Right {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) { bounded(t, source, w, s) })
}

// FuzzLists does the same for a value of an attribute.
func FuzzLists(f *testing.F) {
	w, s := filtertest.MustCity(f), filtertest.Worst()
	for _, pair := range [][2]string{{"hour", "6-22"}, {"line", "U1"}, {"results.gtfs.line", "1"}, {"text", "ä"}, {"private", "true"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		made, err := filter.Compile(filter.Spec{Include: map[string][]string{name: {value}}, Exclude: map[string][]string{name: {value, "*"}}}, w)
		if err != nil {
			if _, ok := errors.AsType[*filter.Error](err); !ok {
				t.Fatal(err)
			}
			return
		}
		if ok, err := made.Matches(s); ok || err != nil {
			t.Errorf("%q, %q: %t, %v", name, value, ok, err)
		}
	})
}

// FuzzValue does the same for what reads values.
func FuzzValue(f *testing.F) {
	f.Add(`body.alert.title + " " + body.stop`, "x", 1.0)
	f.Add(`any(body.tags, # == 1) ? string(body) : lower(body.title)`, "x", 2.0)
	f.Fuzz(func(t *testing.T, source, text string, n float64) {
		v, err := filter.CompileValue("text", source, filter.Body)
		if err != nil {
			if _, ok := errors.AsType[*filter.Error](err); !ok {
				t.Fatal(err)
			}
			return
		}
		names := map[string]any{"body": map[string]any{"title": text, "n": n, "tags": []any{n, text}, "stop": nil, "alert": map[string]any{"title": text}}}
		_, _ = v.String(names)
		_, _ = v.Bool(names)
		_, _ = v.Time(names)
	})
}
