package frontend

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"ticketfrei/internal/notice"
)

const (
	// cacheFor is how long the cache keeps what is shown of a city. A change by
	// another process goes unnoticed for that long at most.
	cacheFor = time.Second
	// cacheSize is the number of entries from which expired ones are removed.
	cacheSize = 512
	// buildTimeout bounds making one entry.
	buildTimeout = 10 * time.Second
)

// cache keeps what is shown of a city for a moment, so that many visitors at
// once cost as much as one. It is safe for use by many goroutines.
type cache struct {
	now     func() time.Time
	keepFor time.Duration
	flight  singleflight.Group

	mu      sync.RWMutex
	entries map[string]entry
	// clock counts events; dropped says when a city was last dropped. A value
	// whose making began before that is not kept.
	clock   uint64
	dropped map[int64]uint64
}

type entry struct {
	cityID  int64
	value   any
	expires time.Time
}

func newCache(now func() time.Time) *cache {
	return &cache{now: now, keepFor: cacheFor, entries: map[string]entry{}, dropped: map[int64]uint64{}}
}

// cached returns the value kept under key. If there is none, build makes it
// once for everybody who asks at the same time, and says which city it is
// about.
func cached[T any](ctx context.Context, c *cache, key string, build func(context.Context) (T, int64, error)) (T, error) {
	if v, ok := c.find(key); ok {
		return v.(T), nil
	}
	// The first to ask makes the value for all, so it must not stop when they
	// leave.
	v, err, _ := c.flight.Do(key, func() (any, error) {
		began := c.tick()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), buildTimeout)
		defer cancel()
		v, cityID, err := build(ctx)
		if err == nil {
			c.keep(key, cityID, v, began)
		}
		return v, err
	})
	if err != nil {
		var none T
		return none, err
	}
	return v.(T), nil
}

func (c *cache) find(key string) (any, bool) {
	c.mu.RLock()
	e, ok := c.entries[key]
	c.mu.RUnlock()
	return e.value, ok && c.now().Before(e.expires)
}

func (c *cache) tick() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	return c.clock
}

func (c *cache) keep(key string, cityID int64, value any, began uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if max(c.dropped[cityID], c.dropped[notice.All]) > began {
		return
	}
	now := c.now()
	if len(c.entries) >= cacheSize {
		for k, e := range c.entries {
			if !now.Before(e.expires) {
				delete(c.entries, k)
			}
		}
	}
	c.entries[key] = entry{cityID: cityID, value: value, expires: now.Add(c.keepFor)}
}

// drop forgets everything about a city, or about all.
func (c *cache) drop(cityID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	c.dropped[cityID] = c.clock
	for k, e := range c.entries {
		if notice.Concerns(cityID, e.cityID) {
			delete(c.entries, k)
		}
	}
}
