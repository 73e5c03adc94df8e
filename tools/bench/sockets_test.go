package main

import (
	"net"
	"testing"
)

func TestOpenConnectionsAreCounted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for open := range 3 {
		n, err := established(map[string]bool{port: true})
		if err != nil || n != open {
			t.Errorf("%d connections, want %d: %v", n, open, err)
		}
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
}
