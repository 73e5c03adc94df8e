package db

import (
	"net"
	"sync"
	"time"
)

// impatientConn is a connection whose reads fail where nothing comes for silenceWithin. A
// server behind a network that is cut says nothing for ever.
type impatientConn struct {
	net.Conn

	mu    sync.Mutex
	given bool // the user of the connection has set a deadline
}

// Read reads what comes.
func (c *impatientConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	if !c.given {
		_ = c.Conn.SetReadDeadline(time.Now().Add(silenceWithin))
	}
	c.mu.Unlock()
	return c.Conn.Read(b)
}

// SetDeadline sets both deadlines; the zero time takes them away.
func (c *impatientConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given = !t.IsZero()
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline sets the one of reads.
func (c *impatientConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given = !t.IsZero()
	return c.Conn.SetReadDeadline(t)
}
