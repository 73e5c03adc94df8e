// Package cache keeps what was read until it changes.
package cache

import (
	"sync"
	"time"
)

// Cache keeps values by key. It is safe for use by many goroutines.
type Cache[K comparable, V any] struct {
	most int
	life time.Duration // how long a value is kept; 0: until it is forgotten

	mu      sync.Mutex
	kept    map[K]kept[V]
	changes uint64 // counts Forget, so that what was read before one is not kept after it
}

type kept[V any] struct {
	value V
	until time.Time
}

// New returns an empty cache of at most so many values. When there are more, it
// begins again. Each is read again after life, where others may change it without this
// process hearing of it; 0: never.
func New[K comparable, V any](most int, life time.Duration) *Cache[K, V] {
	return &Cache[K, V]{most: most, life: life, kept: make(map[K]kept[V])}
}

// Get returns the value of a key: the one that is kept, or what read returns, also
// with an error. What comes with an error is not kept.
func (c *Cache[K, V]) Get(key K, read func() (V, error)) (V, error) {
	c.mu.Lock()
	k, ok := c.kept[key]
	changes := c.changes
	c.mu.Unlock()
	if ok && (c.life == 0 || time.Now().Before(k.until)) {
		return k.value, nil
	}
	var until time.Time
	if c.life > 0 {
		until = time.Now().Add(c.life)
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == changes {
		if len(c.kept) >= c.most {
			clear(c.kept)
		}
		c.kept[key] = kept[V]{v, until}
	}
	return v, nil
}

// Forget has the values read again for which stale is true, and what is being read
// now. stale must not use the cache.
func (c *Cache[K, V]) Forget(stale func(K, V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for key, k := range c.kept {
		if stale(key, k.value) {
			delete(c.kept, key)
		}
	}
}
