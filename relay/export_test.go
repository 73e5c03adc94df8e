package relay

import (
	"time"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

// LaneSize is how many reports a lane keeps in memory.
const LaneSize = laneSize

// MaxTries is how often a report is tried that cannot be judged.
const MaxTries = maxTries

// TryAgainAfter sets the first wait before something that failed is tried again.
func (rl *Relay) TryAgainAfter(first time.Duration) { rl.firstRetry = first }

// Aside is how many cities have a lane of their own.
func (rl *Relay) Aside() int {
	rl.aside.mu.Lock()
	defer rl.aside.mu.Unlock()
	return len(rl.aside.lanes)
}

// Rooms is of how many cities something is looked at, or kept.
func (t *Tasks) Rooms() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.rooms)
}

// MaxExpected is how many are remembered to wait for an answer.
const MaxExpected = maxExpected

// Expect remembers somebody who waits for an answer.
func (a *Answers) Expect(id string, b report.Bot, in bots.Incoming) { a.expect(id, b, in, nil) }

// Expected is how many wait for an answer.
func (a *Answers) Expected() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.expected)
}

// Sweep forgets those who have waited for too long.
func (a *Answers) Sweep() { a.sweep() }

// Forget forgets whom to answer, as the end of the process does.
func (a *Answers) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.expected)
}
