package program

import "sync"

// maxDeaths is how often a program may end with the same in hand.
const maxDeaths = 3

// maxSuspects bounds what is remembered.
const maxSuspects = 10_000

// suspicion is how much speaks for it that something ends the program. The zero value: nothing.
type suspicion struct {
	deaths int   // how often it was in hand when the program ended
	told   int64 // when a process was told of it: programs do what they are told in that order
	away   bool  // it has made room for what is less suspect
}

// lessThan tells whether s is to be tried before other.
func (s suspicion) lessThan(other suspicion) bool {
	return s.deaths < other.deaths || s.deaths == other.deaths && s.told > other.told
}

// deaths are how suspect deliveries are, by their ids. They outlive the bots, which are made
// each time.
type deaths struct {
	mu   sync.Mutex
	list map[string]suspicion
}

func (d *deaths) of(id string) suspicion {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.list[id]
}

// add notes that the program has ended with a delivery in hand, and returns how often it has.
func (d *deaths) add(id string, s suspicion) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.list == nil || len(d.list) >= maxSuspects {
		d.list = map[string]suspicion{}
	}
	s.deaths++
	d.list[id] = s
	return s.deaths
}

func (d *deaths) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.list, id)
}
