package mailer

import "sync"

// maxUnfound bounds what is remembered of names that were not found.
const maxUnfound = 4096

// unfound knows the names that the DNS said not to exist. That is believed of a name
// when another one was found since: a resolver that finds nothing at all is at fault, and
// not the recipients.
type unfound struct {
	mu    sync.Mutex
	found int            // how many names were
	since map[string]int // names, and what found was at their first time
	row   int            // names that were not found since the last that was
}

// add notes that a name was not found, and tells whether it does not exist.
func (u *unfound) add(name string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	since, known := u.since[name]
	if known && u.found > since {
		delete(u.since, name)
		return true
	}
	if !known {
		if u.since == nil || len(u.since) >= maxUnfound {
			u.since = make(map[string]int)
		}
		u.since[name] = u.found
		u.row++
	}
	return false
}

// remove notes that a name was found.
func (u *unfound) remove(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.since, name)
	u.found++
	u.row = 0
}

// isBroken tells whether nothing is found at the moment.
func (u *unfound) isBroken() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.row >= goneAlike
}
