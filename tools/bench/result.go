package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Report is everything that one call of the benchmark has found out.
type Report struct {
	Machine Machine   `json:"machine"`
	Commit  string    `json:"commit"` // of the program that was measured
	Quick   bool      `json:"quick"`
	Began   time.Time `json:"began"`
	Results []*Result `json:"results"`
}

// Result is what one experiment has found out.
type Result struct {
	Experiment string   `json:"experiment"`
	What       string   `json:"what"`
	Figures    []Figure `json:"figures"`
	Series     []Series `json:"series,omitempty"` // for its chart
	Axes       Axes     `json:"axes,omitzero"`
	Skipped    string   `json:"skipped,omitempty"` // what was left out, and why
	Failed     string   `json:"failed,omitempty"`  // what went wrong: a report that did not arrive, say
	Seconds    float64  `json:"seconds"`
}

// add keeps a figure.
func (r *Result) add(name string, value float64, unit string) *Figure {
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Unit: unit})
	return &r.Figures[len(r.Figures)-1]
}

// skips tells whether err says that this machine lacks something, and keeps
// what it lacks.
func (r *Result) skips(err error) bool {
	if !errors.Is(err, errSkipped) {
		return false
	}
	r.Skipped = strings.TrimPrefix(r.Skipped+"; "+err.Error(), "; ")
	return true
}

// complete tells whether the experiment ran to its end, with nothing left out.
func (r *Result) complete() bool { return r.Failed == "" && r.Skipped == "" }

// Figure is one measured value.
type Figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"` // "ms", "mails/s", "MB"; "×" for a ratio, "" for a number
	Target *Target `json:"target,omitempty"`
	Note   string  `json:"note,omitempty"`
}

// atLeast gives the figure a target and returns it.
func (f *Figure) atLeast(v float64) *Figure {
	f.Target = &Target{true, v}
	return f
}

// atMost gives the figure a target and returns it.
func (f *Figure) atMost(v float64) *Figure {
	f.Target = &Target{false, v}
	return f
}

// note gives the figure a note.
func (f *Figure) note(format string, v ...any) { f.Note = fmt.Sprintf(format, v...) }

// verdict says in a word whether the figure meets its target; it is empty
// without one.
func (f Figure) verdict() string {
	switch {
	case f.Target == nil:
		return ""
	case f.Target.met(f.Value):
		return "met"
	}
	return "missed"
}

// Target is a limit that a figure should keep.
type Target struct {
	AtLeast bool    `json:"at_least"` // false: at most
	Value   float64 `json:"value"`
}

// met tells whether v keeps the limit.
func (t Target) met(v float64) bool {
	if t.AtLeast {
		return v >= t.Value
	}
	return v <= t.Value
}

// Series is one line of a chart, or one group of bars.
type Series struct {
	Name   string    `json:"name"`
	Points []Point   `json:"points,omitempty"`
	Bars   []float64 `json:"bars,omitempty"` // one for each of Axes.Labels
}

// Point is a point of a line.
type Point struct{ X, Y float64 }

// Axes says what a chart shows.
type Axes struct {
	Title, X, Y string
	LogX, LogY  bool
	Labels      []string // of bars
}

// write writes what the flags ask for.
func (r *Report) write(b *bench) error {
	var errs []error
	if b.JSON != "" {
		errs = append(errs, writeJSON(b.JSON, r))
	}
	if b.Charts != "" {
		errs = append(errs, r.draw(b.Charts, func(*Result) bool { return true }))
	}
	if b.Docs {
		errs = append(errs, docsOf(b.product).keep(r))
	}
	return errors.Join(errs...)
}

func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}
