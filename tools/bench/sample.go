package main

import (
	"math"
	"slices"
	"time"
)

// quantile is the value at or below which the share q of the values lies; NaN
// if there are none. It sorts the values.
func quantile[T ~int64 | ~float64](values []T, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	return float64(values[max(0, int(math.Ceil(q*float64(len(values))))-1)])
}

// median is the middle of the values.
func median[T ~int64 | ~float64](values []T) float64 { return quantile(slices.Clone(values), 0.5) }

// milliseconds is a duration in nanoseconds as figures show it.
func milliseconds(d float64) float64 { return d / float64(time.Millisecond) }

// distribution is the cumulative distribution of durations, for a chart.
func distribution(name string, values []time.Duration) Series {
	s := Series{Name: name}
	for _, q := range []float64{0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1} {
		if len(values) > 0 {
			s.Points = append(s.Points, Point{milliseconds(quantile(values, q)), 100 * q})
		}
	}
	return s
}
