package api

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// window is what the limit of requests is of.
	window = time.Minute
	// maxCounted bounds how many keys and clients are counted at the same time.
	maxCounted = 10_000
)

// limits counts requests, and refuses those over the limit.
type limits struct {
	most int
	now  func() time.Time

	mu      sync.Mutex
	counted map[string]*count
}

// count is how many requests somebody has made in a window that ends then.
type count struct {
	made int
	ends time.Time
}

func newLimits(most int, now func() time.Time) *limits {
	return &limits{most: most, now: now, counted: make(map[string]*count)}
}

// take counts a request and says in the answer's headers how many are left (RateLimit of the
// IETF's draft). Whoever stands for many has that many times more.
func (l *limits) take(w http.ResponseWriter, who string, many int) error {
	most := l.most * many
	made, reset := l.add(who)
	h := w.Header()
	h.Set("RateLimit-Policy", fmt.Sprintf("%d;w=%d", most, int(window.Seconds())))
	h.Set("RateLimit-Limit", strconv.Itoa(most))
	h.Set("RateLimit-Remaining", strconv.Itoa(max(0, most-made)))
	h.Set("RateLimit-Reset", seconds(reset))
	if made <= most {
		return nil
	}
	return later(http.StatusTooManyRequests, fmt.Sprintf("more than %d requests in a minute", most), reset)
}

// add counts a request. made is how many there are in the window, reset when it ends.
func (l *limits) add(who string) (made int, reset time.Duration) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counted[who]
	if c == nil || !now.Before(c.ends) {
		l.makeRoom(now)
		c = &count{ends: now.Add(window)}
		l.counted[who] = c
	}
	c.made++
	return c.made, c.ends.Sub(now)
}

// makeRoom forgets whose window is over, and all where that is not enough.
func (l *limits) makeRoom(now time.Time) {
	if len(l.counted) < maxCounted {
		return
	}
	for who, c := range l.counted {
		if !now.Before(c.ends) {
			delete(l.counted, who)
		}
	}
	if len(l.counted) >= maxCounted {
		clear(l.counted)
	}
}
