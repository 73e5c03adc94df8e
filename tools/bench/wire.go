package main

import (
	"net"
	"slices"
	"sync"
)

// wire passes connections on, each to one of its targets in turn, to the next where
// nobody listens. It can be cut and can hang.
type wire struct {
	addr     string
	listener net.Listener
	open     sync.WaitGroup

	mu      sync.Mutex
	targets []string
	turn    int
	conns   map[net.Conn]struct{}
	cut     bool          // nobody gets through
	gate    chan struct{} // closed while what comes is passed on
	closed  bool
}

func startWire(targets ...string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{addr: l.Addr().String(), targets: targets, listener: l, conns: map[net.Conn]struct{}{}, gate: make(chan struct{})}
	close(w.gate)
	w.open.Go(w.accept)
	return w, nil
}

func (w *wire) accept() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.open.Go(func() { w.pass(c) })
	}
}

// pass joins a connection with one to a target, until one of them ends.
func (w *wire) pass(c net.Conn) {
	defer c.Close()
	for _, target := range w.next() {
		t, err := net.Dial("tcp", target)
		if err != nil {
			continue
		}
		defer t.Close()
		if !w.join(c, t) {
			return
		}
		defer w.leave(c, t)
		var both sync.WaitGroup
		both.Go(func() { w.pump(t, c) })
		both.Go(func() { w.pump(c, t) })
		both.Wait()
		return
	}
}

// lead adds a target.
func (w *wire) lead(target string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.targets = append(w.targets, target)
}

// next are the targets in the order in which they are tried; none while the wire is
// cut.
func (w *wire) next() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut || len(w.targets) == 0 {
		return nil
	}
	w.turn++
	at := w.turn % len(w.targets)
	return slices.Concat(w.targets[at:], w.targets[:at])
}

func (w *wire) join(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		w.conns[c] = struct{}{}
	}
	return !w.closed && !w.cut
}

func (w *wire) leave(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		delete(w.conns, c)
	}
}

// pump copies until one side ends, and ends both then.
func (w *wire) pump(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			w.wait()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait waits while the wire hangs.
func (w *wire) wait() {
	w.mu.Lock()
	gate := w.gate
	w.mu.Unlock()
	<-gate
}

// sever cuts every connection and refuses new ones, until mend.
func (w *wire) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	w.drop()
}

// hang stays connected and passes nothing on, until mend.
func (w *wire) hang() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.gate:
		w.gate = make(chan struct{})
	default:
	}
}

// mend makes the wire work again. What hung is passed on.
func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
	w.release()
}

// release lets go what hangs. w.mu is held.
func (w *wire) release() {
	select {
	case <-w.gate:
	default:
		close(w.gate)
	}
}

// drop closes every connection. w.mu is held.
func (w *wire) drop() {
	for c := range w.conns {
		c.Close()
	}
}

// close ends the wire and waits for its goroutines; nil has nothing to end.
func (w *wire) close() {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.closed = true
	w.release()
	w.drop()
	w.mu.Unlock()
	w.listener.Close()
	w.open.Wait()
}
