package relay

import "time"

// LaneSize is how many reports a lane keeps in memory.
const LaneSize = laneSize

// MaxTries is how often a report is tried that cannot be judged.
const MaxTries = maxTries

// TryAgainAfter sets the first wait before something that failed is tried again.
func (rl *Relay) TryAgainAfter(first time.Duration) { rl.firstRetry = first }
