package mailer

import (
	"slices"
	"sync"
	"time"
)

// pool keeps connections that wait for their next mail.
type pool struct {
	size   int
	expire time.Duration
	mu     sync.Mutex
	idle   []*idle // oldest first
	closed bool
}

type idle struct {
	key     string
	session *session
	timer   *time.Timer
}

func newPool(size int, expire time.Duration) *pool {
	return &pool{size: size, expire: expire}
}

// take returns the most recently used connection to key, or nil.
func (p *pool) take(key string) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.idle) - 1; i >= 0; i-- {
		if p.idle[i].key == key {
			return p.remove(i)
		}
	}
	return nil
}

// put keeps s. If the pool is full, the oldest makes room for it.
func (p *pool) put(key string, s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		s.quit()
		return
	}
	if len(p.idle) >= p.size {
		p.remove(0).quit()
	}
	entry := &idle{key: key, session: s}
	entry.timer = time.AfterFunc(p.expire, func() { p.drop(entry) })
	p.idle = append(p.idle, entry)
}

// drop closes a connection that nobody has used for too long.
func (p *pool) drop(entry *idle) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.idle, entry); i >= 0 {
		p.remove(i).quit()
	}
}

// remove takes entry i out. The caller holds mu.
func (p *pool) remove(i int) *session {
	entry := p.idle[i]
	entry.timer.Stop()
	p.idle = slices.Delete(p.idle, i, i+1)
	return entry.session
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for len(p.idle) > 0 {
		p.remove(0).quit()
	}
}
