package pace

import (
	"sync"
	"time"
)

// maxQuotas is how many a Quota remembers, at most.
const maxQuotas = 10_000

// Quota lets something be done for each of many only so often within some time. The zero
// Quota is ready to be used.
type Quota struct {
	mu     sync.Mutex
	spent  map[string]spent
	tidied time.Time
}

// spent is what was done for one of them, since when.
type spent struct {
	since time.Time
	times int
}

// Take tells whether it may be done once more for who, and notes that it is: at most so
// many times within d.
func (q *Quota) Take(who string, now time.Time, times int, d time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.spent[who]
	if now.Sub(s.since) >= d {
		s = spent{since: now}
		q.tidy(now, d)
	}
	if s.times >= times {
		return false
	}
	s.times++
	q.spent[who] = s
	return true
}

// tidy makes room for one more, and forgets what is over now and then: looking at all of
// them for each that is new would cost more than what it lets them do. q.mu is held.
func (q *Quota) tidy(now time.Time, d time.Duration) {
	if q.spent != nil && len(q.spent) < maxQuotas && now.Sub(q.tidied) < d {
		return
	}
	q.tidied = now
	for who, s := range q.spent {
		if now.Sub(s.since) >= d {
			delete(q.spent, who)
		}
	}
	if q.spent == nil || len(q.spent) >= maxQuotas {
		q.spent = make(map[string]spent)
	}
}
