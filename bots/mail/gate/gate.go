// Package gate bounds how many connections a mail server has at the same time,
// knows which client is behind each, and ends them when the server stops, without
// cutting off a mail that is being taken.
package gate

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"ticketfrei/internal/clients"
)

// Rules are what a gate goes by.
type Rules struct {
	All  int // connections at the same time
	Each int // of them from one client's network, at all gates together
	// Processes tells how many have such a gate; nil: this one.
	Processes func() int
	// Trusted says which addresses are relays of ours. Whom they bring is counted
	// instead of them, where they say who it is.
	Trusted func(netip.Addr) bool
	// Gateway says behind which addresses everybody may be. They are counted in All
	// only.
	Gateway func(netip.Addr) bool
	// Unseen is told of every connection that comes from a gateway.
	Unseen func(netip.Addr)
	// Name is the server's, in its greeting.
	Name string
	// Domain is that of the postmaster.
	Domain string
	// Refusal is sent to whoever finds no room. It must fit into the empty
	// buffer of a new connection.
	Refusal string
	// Idle is how long somebody who sends no mail may be silent.
	Idle time.Duration
	// Mail is how long a mail may take from MAIL to its end.
	Mail time.Duration
	// Finish is how long the reading of a mail may take that has begun in the
	// moment of the stop.
	Finish time.Duration
}

// Gate is a listener that lets connections in by its rules. Every connection
// that it returns is a *Conn. When it is full, the one that has waited longest for
// its client has to go.
type Gate struct {
	net.Listener
	rules Rules
	room  *clients.Room
	open  sync.WaitGroup

	mu       sync.Mutex
	conns    map[*Conn]struct{}
	stopping bool
}

// New puts a gate before a listener.
func New(l net.Listener, r Rules) *Gate {
	return &Gate{Listener: l, rules: r, room: clients.NewPartRoom(r.All, r.Each, r.Processes), conns: map[*Conn]struct{}{}}
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
	c := newConn(g, raw)
	place, ok := g.room.Enter(c.network(), c.end)
	if !ok {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping {
		place.Leave()
		return nil
	}
	c.place = place
	g.conns[c] = struct{}{}
	g.open.Add(1)
	return c
}

func (g *Gate) leave(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.conns[c]; !ok {
		return
	}
	delete(g.conns, c)
	c.place.Leave()
	g.open.Done()
}

// Stop lets nobody in any more and ends the wait of every connection on which
// no mail is being taken.
func (g *Gate) Stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopping = true
	for c := range g.conns {
		c.stopWaiting()
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
