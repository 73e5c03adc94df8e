// Package backoff says how long to wait before trying again.
package backoff

import (
	"math/rand/v2"
	"time"
)

// Wait returns first, doubled that many times, but at most last. Jitter then
// makes it up to a fifth shorter or longer, so that it may exceed last.
func Wait(first time.Duration, times int, last time.Duration) time.Duration {
	d := first
	for i := 0; i < times && 0 < d && d < last; i++ {
		d *= 2
	}
	return Jitter(min(d, last))
}

// Jitter makes d up to a fifth shorter or longer, so that things that failed
// together do not come back together.
func Jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)*0.4*float64(d))
}
