//go:build !linux

package db

import "time"

// began is a moment with a monotonic reading.
var began = time.Now()

// sinceBoot is how long the program runs. Where the system's clock stops while the machine
// is suspended, the wall clock tells of that.
func sinceBoot() time.Duration { return time.Since(began) }
