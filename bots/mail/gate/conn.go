package gate

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pires/go-proxyproto"

	"ticketfrei/internal/clients"
)

// goodbye is how long a connection that must go has to say so.
const goodbye = 2 * time.Second

const (
	// mailGrace is how long a client that has begun a mail may be silent before it
	// must make room for others.
	mailGrace = 2 * time.Second
	// mailTime is what a client has for a mail before it must make room for others,
	// also if it is not silent: who sends a byte a second would stay for ever.
	mailTime = 5 * time.Second
)

// errProxyHeader refuses a header of the PROXY protocol.
var errProxyHeader = errors.New("a PROXY header from somebody who is not in mail.trusted_networks")

// Conn is a connection that came through the gate.
type Conn struct {
	net.Conn
	gate   *Gate
	place  *clients.Place
	relay  *relay // nil where no relay of ours is at the other side
	begun  bool   // something was read
	rest   []byte // of what was read
	chunks bool   // a mail may come in chunks
	broken atomic.Bool
	busy   atomic.Bool // the text of a mail is being taken

	// Of the client; they change before the first mail only.
	client netip.Addr

	// gate.mu is held to touch what follows.
	mail   bool      // between MAIL and the end of the mail
	begin  time.Time // of the mail
	fresh  time.Time // when it came, or its last mail was read
	ending bool      // nobody waits for another command
}

func newConn(g *Gate, raw net.Conn) *Conn {
	c := &Conn{Conn: raw, gate: g, client: clients.AddrOf(raw), fresh: time.Now()}
	switch {
	case g.rules.Trusted(c.client):
		c.relay = newRelay(c)
	case g.rules.Gateway(c.client):
		g.rules.Unseen(c.client)
	}
	return c
}

// Client is the address of who brings the mails: as a relay of ours says, or the
// other side's. known is false where anybody may be behind it.
func (c *Conn) Client() (addr netip.Addr, known bool) {
	if !c.client.IsValid() || c.gate.rules.Trusted(c.client) || c.gate.rules.Gateway(c.client) {
		return netip.Addr{}, false
	}
	return c.client, true
}

// network is what the connection is counted by.
func (c *Conn) network() netip.Prefix {
	addr, _ := c.Client()
	return clients.Network(addr)
}

// announce takes a relay's word for whom it brings. It is false where that client
// has no room.
func (c *Conn) announce(client netip.Addr) bool {
	c.client = client
	return c.place.Move(c.network())
}

// Broken says whether reading has failed, if only because the other side has
// hung up.
func (c *Conn) Broken() bool { return c.broken.Load() }

// Read reads from the connection. While it waits, the connection is idle.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.rest) > 0 {
		return c.give(p, c.rest), nil
	}
	c.place.SetBusy(false)
	n, err := c.read(p)
	c.place.SetBusy(true)
	if err != nil {
		c.broken.Store(true)
		return n, err
	}
	return c.give(p, c.complete(p[:n])), nil
}

// give returns how much of what was read it has put into p, and keeps the rest.
func (c *Conn) give(p, read []byte) int {
	n := copy(p, read)
	c.rest = read[n:]
	return n
}

func (c *Conn) read(p []byte) (int, error) {
	if c.relay != nil {
		return c.relay.Read(p)
	}
	first := !c.begun
	c.begun = true
	n, err := c.Conn.Read(p)
	if first && (bytes.HasPrefix(p[:n], proxyproto.SIGV1) || bytes.HasPrefix(p[:n], proxyproto.SIGV2)) {
		return 0, errProxyHeader
	}
	return n, err
}

// Write writes to the connection.
func (c *Conn) Write(p []byte) (int, error) {
	if c.relay == nil {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(c.relay.answer(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// SetReadDeadline is net.Conn's; but nobody waits for somebody without a mail
// longer than Rules.Idle, nor for a whole mail longer than Rules.Mail, and nobody at
// all for whoever must go.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	latest := time.Now().Add(c.gate.rules.Idle)
	if c.mail {
		latest = c.begin.Add(c.gate.rules.Mail)
	}
	switch {
	case c.ending, c.gate.stopping && !c.busy.Load():
		t = past
	case t.After(latest):
		t = latest
	}
	return c.Conn.SetReadDeadline(t)
}

// SetMail says whether the client has begun a mail: then it has more time for the
// next command.
func (c *Conn) SetMail(mail bool) {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	if c.mail == mail {
		return
	}
	c.mail, c.begin = mail, time.Now()
	if mail {
		c.place.SetGrace(mailGrace, c.fresh.Add(mailTime))
	} else {
		c.place.SetGrace(0, time.Time{})
	}
}

// SetBusy says whether the text of a mail is being taken: Stop waits for that.
func (c *Conn) SetBusy(busy bool) {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	c.busy.Store(busy)
	if !busy {
		c.fresh = time.Now()
	}
	if !c.ending && !c.gate.stopping {
		return
	}
	deadline := past
	if busy && !c.ending { // it was told to go on a moment before
		deadline = time.Now().Add(c.gate.rules.Finish)
	}
	_ = c.Conn.SetReadDeadline(deadline)
}

// end makes a connection go whose place was given to another. The server says so
// to the client; who does not listen is cut off. A mail that was read is still
// stored and answered.
func (c *Conn) end() {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	c.ending = true
	_ = c.Conn.SetReadDeadline(past)
	time.AfterFunc(goodbye, func() {
		c.gate.mu.Lock()
		defer c.gate.mu.Unlock()
		if !c.busy.Load() {
			_ = c.Conn.Close()
		}
	})
}

// stopWaiting ends the wait for another command. The caller holds gate.mu.
func (c *Conn) stopWaiting() {
	if !c.busy.Load() {
		_ = c.Conn.SetReadDeadline(past)
	}
}

// Close closes the connection and makes room for another.
func (c *Conn) Close() error {
	c.gate.leave(c)
	return c.Conn.Close()
}
