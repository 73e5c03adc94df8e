package supervisor

import (
	"context"
	"slices"
	"sync"
)

// changes are the cities that were changed and wait to be looked at, each once.
type changes struct {
	mu     sync.Mutex
	cities []int64
	some   chan struct{} // holds one signal while there are some
}

func newChanges() *changes { return &changes{some: make(chan struct{}, 1)} }

// add notes that a city was changed. It never waits.
func (c *changes) add(cityID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.cities, cityID) {
		return
	}
	c.cities = append(c.cities, cityID)
	select {
	case c.some <- struct{}{}:
	default:
	}
}

// take waits for changed cities; it returns none when ctx ends.
func (c *changes) take(ctx context.Context) []int64 {
	select {
	case <-ctx.Done():
		return nil
	case <-c.some:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cities := c.cities
	c.cities = nil
	return cities
}
