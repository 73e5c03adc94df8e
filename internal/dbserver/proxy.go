package dbserver

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy stands between a program and a server and does what networks do. It reads what the
// server says, so connections through it are not encrypted. Its methods are safe for use by
// many goroutines.
type Proxy struct {
	to       string
	listener net.Listener
	running  sync.WaitGroup

	mu       sync.Mutex
	cut      bool
	lose     bool          // see LoseAnswer
	lost     chan struct{} // closed when an answer was lost
	flows    chan struct{} // closed while bytes flow; another one, open, while it hangs
	conns    map[net.Conn]bool
	finished chan struct{}
	answered atomic.Int64
}

// NewProxy starts a proxy before the server at an address. It ends with the test.
func NewProxy(tb testing.TB, to string) *Proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{to: to, listener: listener, flows: closed(), conns: map[net.Conn]bool{}, finished: make(chan struct{})}
	p.running.Go(p.accept)
	tb.Cleanup(func() {
		close(p.finished)
		_ = listener.Close()
		p.Cut()
		p.running.Wait()
	})
	return p
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Address is its host and port.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// URL is that of the server's database "postgres" through it.
func (p *Proxy) URL() string { return URL(p.Address()) }

// Cut breaks every connection, and new ones as they come, until Heal.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	p.drop()
}

// drop breaks every connection. Who calls it holds the lock.
func (p *Proxy) drop() {
	for c := range p.conns {
		_ = c.Close()
	}
}

// Hang lets nothing through until Heal, in neither direction: it takes connections and
// says nothing. What was written meanwhile arrives then.
func (p *Proxy) Hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flows:
		p.flows = make(chan struct{})
	default:
	}
}

// Heal ends Cut and Hang.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
	select {
	case <-p.flows:
	default:
		close(p.flows)
	}
}

// LoseAnswer breaks the connection on which the next transaction is committed, once it
// is and before who asked for it knows. What it returns is closed then.
func (p *Proxy) LoseAnswer() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose, p.lost = true, make(chan struct{})
	return p.lost
}

// Answered is how often the server has answered and waited for what is next: how often
// something was sent to it, however much.
func (p *Proxy) Answered() int64 { return p.answered.Load() }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

// serve is the whole life of a connection.
func (p *Proxy) serve(client net.Conn) {
	if !p.keep(client) || !p.wait() {
		p.let(client)
		return
	}
	server, err := net.Dial("tcp", p.to)
	if err != nil || !p.keep(server) {
		p.let(client)
		if err == nil {
			p.let(server)
		}
		return
	}
	var both sync.WaitGroup
	end := func() { _ = client.Close(); _ = server.Close() }
	both.Go(func() { defer end(); p.copy(server, client) })
	both.Go(func() { defer end(); p.answer(client, server) })
	both.Wait()
	p.let(client)
	p.let(server)
}

// keep remembers a connection, so that it can be broken. It tells false where all are.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
	return !p.cut
}

func (p *Proxy) let(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// wait returns when bytes flow, false at the end.
func (p *Proxy) wait() bool {
	p.mu.Lock()
	flows := p.flows
	p.mu.Unlock()
	select {
	case <-flows:
		return true
	case <-p.finished:
		return false
	}
}

// copy hands on what the client says.
func (p *Proxy) copy(to io.Writer, from io.Reader) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if err != nil || !p.wait() {
			return
		}
		if _, err := to.Write(piece[:n]); err != nil {
			return
		}
	}
}

// answer hands on what the server says, message by message.
func (p *Proxy) answer(to io.Writer, from io.Reader) {
	in, out := bufio.NewReader(from), bufio.NewWriter(to)
	for {
		message, err := next(in)
		if err != nil || !p.wait() || p.loses(message) {
			return
		}
		if message[0] == 'Z' { // it is ready
			p.answered.Add(1)
		}
		if _, err := out.Write(message); err != nil {
			return
		}
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}

// next reads a message of the server: a letter, and a length that counts itself.
func next(in *bufio.Reader) ([]byte, error) {
	head, err := in.Peek(5)
	if err != nil {
		return nil, err
	}
	message := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(in, message)
	return message, err
}

// loses tells whether that is the answer to be lost: that a COMMIT was done.
func (p *Proxy) loses(message []byte) bool {
	if string(message[5:]) != "COMMIT\x00" || message[0] != 'C' {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.lose {
		return false
	}
	p.lose = false
	close(p.lost)
	return true
}
