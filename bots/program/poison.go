package program

import "sync"

// maxDeaths is how often a program may end with the same in hand.
const maxDeaths = 3

// maxSuspects bounds what is remembered.
const maxSuspects = 10_000

// deaths count how often a program has ended with a delivery in hand, by its id. They
// outlive the bots, which are made each time.
type deaths struct {
	mu    sync.Mutex
	times map[string]int
}

func (d *deaths) of(id string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.times[id]
}

// add counts one more and returns how many there are.
func (d *deaths) add(id string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.times == nil || len(d.times) >= maxSuspects {
		d.times = map[string]int{}
	}
	d.times[id]++
	return d.times[id]
}

func (d *deaths) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.times, id)
}
