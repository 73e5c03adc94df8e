package db

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot is how long the machine is on, also while it was suspended: Go's monotonic
// clock stops meanwhile.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0 // every Linux has it; without it the wall clock has to do
	}
	return time.Duration(t.Nano())
}
