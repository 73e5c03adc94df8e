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
	conns    []net.Conn // to be read after done
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
			h.conns = append(h.conns, c)
		}
	})
	return h, nil
}

func (h *blackHole) close() {
	h.listener.Close()
	h.done.Wait()
	for _, c := range h.conns {
		c.Close()
	}
}
