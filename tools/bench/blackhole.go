package main

import (
	"net"
	"sync"
)

// blackHole is a server that takes connections and never answers.
type blackHole struct {
	addr     string
	listener net.Listener
	done     sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
}

func startBlackHole() (*blackHole, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &blackHole{addr: l.Addr().String(), listener: l}
	h.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.conns = append(h.conns, c)
			h.mu.Unlock()
		}
	})
	return h, nil
}

func (h *blackHole) close() {
	h.listener.Close()
	h.done.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		c.Close()
	}
}
