package gate

import (
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

func TestConnectionLimits(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var exempt atomic.Bool
	g := New(l, Rules{All: 3, Each: 2, Refusal: "421 no room\r\n",
		Exempt: func(netip.Addr) bool { return exempt.Load() }})
	defer g.Close()
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := g.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	connect := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	refused := func(c net.Conn) {
		t.Helper()
		got, err := io.ReadAll(c)
		if err != nil || string(got) != "421 no room\r\n" {
			t.Errorf("%q %v", got, err)
		}
	}
	connect()
	first := <-accepted
	connect()
	second := <-accepted
	refused(connect())
	first.Close()
	connect()
	third := <-accepted
	exempt.Store(true)
	connect()
	fourth := <-accepted
	refused(connect())
	for _, c := range []net.Conn{second, third, fourth} {
		c.Close()
		c.Close() // twice does no harm
	}
	g.Wait()
	if len(g.from) != 0 || len(g.conns) != 0 {
		t.Errorf("still counted: %v %v", g.from, g.conns)
	}
}

// TestMailBegunAtTheStop stops between the answer to DATA and the reading of
// the mail.
func TestMailBegunAtTheStop(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := New(l, Rules{All: 3, Each: 2, Exempt: func(netip.Addr) bool { return false }, Finish: time.Minute})
	defer g.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	g.Stop()
	c.(*Conn).SetBusy(true)
	if _, err := client.Write([]byte("U1")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 2)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "U1" {
		t.Errorf("read %q, %v", got, err)
	}
	c.(*Conn).SetBusy(false)
	if _, err := c.Read(got); err == nil {
		t.Error("read on after the mail")
	}
}
