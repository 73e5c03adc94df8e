// Package cache keeps what was read until it changes.
package cache

import "sync"

// Cache keeps values by key. It is safe for use by many goroutines.
type Cache[K comparable, V any] struct {
	most int

	mu      sync.Mutex
	kept    map[K]V
	changes uint64 // counts Forget, so that what was read before one is not kept after it
}

// New returns an empty cache of at most so many values. When there are more, it
// begins again.
func New[K comparable, V any](most int) *Cache[K, V] {
	return &Cache[K, V]{most: most, kept: make(map[K]V)}
}

// Get returns the value of a key: the one that is kept, or what read returns, also
// with an error. What comes with an error is not kept.
func (c *Cache[K, V]) Get(key K, read func() (V, error)) (V, error) {
	c.mu.Lock()
	v, ok := c.kept[key]
	changes := c.changes
	c.mu.Unlock()
	if ok {
		return v, nil
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
		c.kept[key] = v
	}
	return v, nil
}

// Forget has the values read again for which stale is true, and what is being read
// now. stale must not use the cache.
func (c *Cache[K, V]) Forget(stale func(K, V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for k, v := range c.kept {
		if stale(k, v) {
			delete(c.kept, k)
		}
	}
}
