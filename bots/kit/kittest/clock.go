package kittest

import (
	"sync"
	"time"
)

// Clock is a time that tests move. The zero Clock shows the present and goes.
type Clock struct {
	mu    sync.Mutex
	still time.Time // where it stands but for ahead; zero where it goes
	ahead time.Duration
}

// StandingClock returns a Clock that shows at until it is moved.
func StandingClock(at time.Time) *Clock { return &Clock{still: at} }

// Now is for Host.Now.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.still.IsZero() {
		return time.Now().Add(c.ahead)
	}
	return c.still.Add(c.ahead)
}

// Move lets d pass.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}
