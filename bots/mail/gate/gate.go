// Package gate bounds how many connections a mail server has at the same time,
// and ends them when it stops, without cutting off a mail that is being taken.
package gate

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Rules are what a gate goes by.
type Rules struct {
	All  int // connections at the same time
	Each int // of them from one address, or one /64 of IPv6
	// Exempt says which addresses many senders share, as a relay of ours: they
	// are counted in All only.
	Exempt func(netip.Addr) bool
	// Refusal is sent to whoever finds no room. It must fit into the empty
	// buffer of a new connection.
	Refusal string
	// Finish is how long the reading of a mail may take that has begun in the
	// moment of the stop.
	Finish time.Duration
}

// Gate is a listener that lets connections in by its rules. Every connection
// that it returns is a *Conn.
type Gate struct {
	net.Listener
	rules Rules

	mu       sync.Mutex
	conns    map[*Conn]struct{}
	from     map[netip.Prefix]int
	stopping bool
	open     sync.WaitGroup
}

// New puts a gate before a listener.
func New(l net.Listener, r Rules) *Gate {
	return &Gate{Listener: l, rules: r, conns: map[*Conn]struct{}{}, from: map[netip.Prefix]int{}}
}

// Accept returns the next connection that is let in. The others are told so and
// closed.
func (g *Gate) Accept() (net.Conn, error) {
	for {
		raw, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := g.admit(raw); c != nil {
			return c, nil
		}
		// Writing does not hold up the others: see Rules.Refusal.
		_ = raw.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = raw.Write([]byte(g.rules.Refusal))
		raw.Close()
	}
}

func (g *Gate) admit(raw net.Conn) *Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := g.key(raw)
	if g.stopping || len(g.conns) >= g.rules.All || key.IsValid() && g.from[key] >= g.rules.Each {
		return nil
	}
	if key.IsValid() {
		g.from[key]++
	}
	c := &Conn{Conn: raw, gate: g, key: key}
	g.conns[c] = struct{}{}
	g.open.Add(1)
	return c
}

// key is what connections are counted by; the zero Prefix is not counted.
func (g *Gate) key(c net.Conn) netip.Prefix {
	remote, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Prefix{}
	}
	addr := remote.Addr().Unmap().WithZone("")
	if g.rules.Exempt(addr) {
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

func (g *Gate) leave(c *Conn) {
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

// Stop lets nobody in any more and ends the wait of every connection on which
// no mail is being taken.
func (g *Gate) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopping = true
	for c := range g.conns {
		if !c.busy {
			_ = c.Conn.SetReadDeadline(past)
		}
	}
}

// CloseAll closes every connection.
func (g *Gate) CloseAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		_ = c.Conn.Close()
	}
}

// Wait returns when every connection was closed by whoever accepted it.
func (g *Gate) Wait() { g.open.Wait() }

// past is a deadline that is over.
var past = time.Unix(1, 0)

// Conn is a connection that came through the gate.
type Conn struct {
	net.Conn
	gate   *Gate
	key    netip.Prefix
	busy   bool // a mail is being taken; gate.mu is held to touch it
	broken atomic.Bool
}

// Broken says whether reading has failed, if only because the other side has
// hung up.
func (c *Conn) Broken() bool { return c.broken.Load() }

// Read reads from the connection.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.broken.Store(true)
	}
	return n, err
}

// SetReadDeadline is net.Conn's; once the gate stops, nobody waits for another
// command.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	if c.gate.stopping && !c.busy {
		t = past
	}
	return c.Conn.SetReadDeadline(t)
}

// SetBusy says whether a mail is being taken: Stop waits for that.
func (c *Conn) SetBusy(busy bool) {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	c.busy = busy
	if !c.gate.stopping {
		return
	}
	deadline := past
	if busy { // it was told to go on a moment before the stop
		deadline = time.Now().Add(c.gate.rules.Finish)
	}
	_ = c.Conn.SetReadDeadline(deadline)
}

// Close closes the connection and makes room for another.
func (c *Conn) Close() error {
	c.gate.leave(c)
	return c.Conn.Close()
}
