// Package backoff says how long to wait before what failed is tried again.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Wait is first, doubled once for each of times and at most last, with jitter:
// it may be longer than last by a fifth.
func Wait(first time.Duration, times int, last time.Duration) time.Duration {
	d := first
	for i := 0; i < times && 0 < d && d < last; i++ {
		d *= 2
	}
	return Jitter(min(d, last))
}

// Jitter makes d up to a fifth shorter or longer, so that what failed together
// does not come back together.
func Jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)*0.4*float64(d))
}
