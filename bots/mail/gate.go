package mail

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// How many connections are served at the same time.
const (
	maxConnections = 500 // in all
	maxPerAddress  = 20  // from one address, or one /64 of IPv6
)

// gate is a listener that bounds the connections and can end them.
type gate struct {
	net.Listener
	all, each int
	// exempt are addresses that many senders share: our own relay, proxy or
	// container network.
	exempt func(netip.Addr) bool

	mu       sync.Mutex
	conns    map[*conn]struct{}
	from     map[netip.Prefix]int
	stopping bool
	open     sync.WaitGroup
}

func newGate(l net.Listener) *gate {
	return &gate{Listener: l, all: maxConnections, each: maxPerAddress,
		exempt: func(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() },
		conns:  map[*conn]struct{}{}, from: map[netip.Prefix]int{}}
}

// Accept returns the next connection; those over the limits are told so
// (RFC 5321 §3.8: 421) and not returned.
func (g *gate) Accept() (net.Conn, error) {
	for {
		raw, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := g.admit(raw); c != nil {
			return c, nil
		}
		// The line fits into the empty buffer of a new connection, so writing
		// does not hold up the others.
		_ = raw.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = raw.Write([]byte("421 4.7.0 Too many connections, please try again later\r\n"))
		raw.Close()
	}
}

func (g *gate) admit(raw net.Conn) *conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := g.key(raw)
	if g.stopping || len(g.conns) >= g.all || key.IsValid() && g.from[key] >= g.each {
		return nil
	}
	if key.IsValid() {
		g.from[key]++
	}
	c := &conn{Conn: raw, gate: g, key: key}
	g.conns[c] = struct{}{}
	g.open.Add(1)
	return c
}

// key is what connections are counted by; the zero Prefix is not counted.
func (g *gate) key(c net.Conn) netip.Prefix {
	remote, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}
	}
	addr := remote.Addr().Unmap().WithZone("")
	if g.exempt(addr) {
		return netip.Prefix{}
	}
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

func (g *gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.conns[c]; !ok {
		return
	}
	delete(g.conns, c)
	if c.key.IsValid() {
		if g.from[c.key]--; g.from[c.key] == 0 {
			delete(g.from, c.key)
		}
	}
	g.open.Done()
}

// stop lets nobody in any more and ends the wait of every connection on which
// no mail is being taken.
func (g *gate) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopping = true
	for c := range g.conns {
		if !c.busy {
			_ = c.Conn.SetReadDeadline(past)
		}
	}
}

// closeAll closes every connection.
func (g *gate) closeAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		_ = c.Conn.Close()
	}
}

// wait returns when every connection was let go.
func (g *gate) wait() { g.open.Wait() }

// past is a deadline that is over.
var past = time.Unix(1, 0)

// conn is a connection that came through the gate.
type conn struct {
	net.Conn
	gate   *gate
	key    netip.Prefix
	busy   bool // a mail is being taken; gate.mu is held to touch it
	broken atomic.Bool
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.broken.Store(true)
	}
	return n, err
}

// SetReadDeadline keeps the library from waiting for another command when the
// server stops.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	if c.gate.stopping && !c.busy {
		t = past
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) setBusy(busy bool) {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	c.busy = busy
	if !c.gate.stopping {
		return
	}
	deadline := past
	if busy { // it was told to go on a moment before the stop
		deadline = time.Now().Add(readTimeout)
	}
	_ = c.Conn.SetReadDeadline(deadline)
}

func (c *conn) Close() error {
	c.gate.leave(c)
	return c.Conn.Close()
}
