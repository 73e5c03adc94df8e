package supervisor

import "sync"

// claims are the deliveries that this process works on. A report that was fanned
// out again after a crash has its deliveries in the queue twice: of two, the
// second waits until the first is done with.
type claims struct {
	mu  sync.Mutex
	ids map[string]bool
}

func newClaims() *claims { return &claims{ids: make(map[string]bool)} }

// take claims the delivery with that id; it is false where it is claimed already.
func (c *claims) take(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids[id] {
		return false
	}
	c.ids[id] = true
	return true
}

func (c *claims) release(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ids, id)
}
