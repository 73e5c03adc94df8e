package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// printMachine says what everything was measured on.
func printMachine(w io.Writer, r Report) {
	fmt.Fprintf(w, "%s, %.0f fsyncs/s\ncommit %s\n", r.Machine, r.Machine.Fsyncs, r.Commit)
	if r.Quick {
		fmt.Fprintln(w, "quick: the runs are too short for their figures to mean much")
	}
}

// printResult prints the table of one experiment.
func printResult(w io.Writer, r *Result) {
	fmt.Fprintf(w, "\n%s: %s (%.0f s)\n", r.Experiment, r.What, r.Seconds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", f.Name, f.value(), f.target(), f.verdict(), f.Note)
	}
	t.Flush()
	if r.Skipped != "" {
		fmt.Fprintln(w, "  "+r.Skipped)
	}
	if r.Failed != "" {
		fmt.Fprintln(w, "  FAILED:", r.Failed)
	}
}

// value is the figure with its unit, rounded for reading.
func (f Figure) value() string { return withUnit(f.Value, f.Unit) }

// target is the limit that the figure should keep; empty if it has none.
func (f Figure) target() string {
	switch {
	case f.Target == nil:
		return ""
	case f.Target.AtLeast:
		return "≥ " + withUnit(f.Target.Value, f.Unit)
	}
	return "≤ " + withUnit(f.Target.Value, f.Unit)
}

func withUnit(v float64, unit string) string {
	text := strconv.FormatFloat(v, 'f', digits(v), 64)
	switch unit {
	case "":
		return text
	case "%", "×":
		return text + unit
	}
	return text + " " + unit
}

// digits is how many decimals a value is shown with: enough for three
// significant figures, none for a whole number.
func digits(v float64) int {
	switch {
	case v == float64(int64(v)), v >= 100, v <= -100:
		return 0
	case v >= 10 || v <= -10:
		return 1
	}
	return 2
}
