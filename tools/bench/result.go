package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
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
	Skipped    string   `json:"skipped,omitempty"` // why it did not run
	Failed     string   `json:"failed,omitempty"`  // what went wrong, as a report that did not arrive
	Seconds    float64  `json:"seconds"`
}

// Figure is one measured value.
type Figure struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"` // "ms", "mails/s", "MB"; "" is a number, "×" a ratio
	Target *Target `json:"target,omitempty"`
	Note   string  `json:"note,omitempty"`
}

// Target is what a figure is to be.
type Target struct {
	AtLeast bool    `json:"at_least"` // else at most
	Value   float64 `json:"value"`
}

func atLeast(v float64) *Target { return &Target{true, v} }
func atMost(v float64) *Target  { return &Target{false, v} }

// met tells whether v is what it is to be.
func (t Target) met(v float64) bool {
	if t.AtLeast {
		return v >= t.Value
	}
	return v <= t.Value
}

// verdict says in a word whether the figure has met its target; empty without
// one.
func (f Figure) verdict() string {
	switch {
	case f.Target == nil:
		return ""
	case f.Target.met(f.Value):
		return "met"
	}
	return "missed"
}

// add keeps a figure.
func (r *Result) add(name string, value float64, unit string) *Figure {
	r.Figures = append(r.Figures, Figure{Name: name, Value: value, Unit: unit})
	return &r.Figures[len(r.Figures)-1]
}

// Series is one line, or one group of bars, of a chart.
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
func (r *Report) write(f Flags) error {
	var errs []error
	if f.JSON != "" {
		errs = append(errs, r.writeJSON(f.JSON))
	}
	if f.Charts != "" {
		errs = append(errs, r.draw(f.Charts))
	}
	if f.Docs {
		errs = append(errs, r.draw("docs/charts"), r.writeDocs("docs/PERFORMANCE.md"))
	}
	return errors.Join(errs...)
}

func (r *Report) writeJSON(path string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}
