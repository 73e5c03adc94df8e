package mail

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func TestConnectionLimits(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(l)
	g.all, g.each = 3, 2
	var exempt atomic.Bool
	g.exempt = func(netip.Addr) bool { return exempt.Load() }
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
		if err != nil || !strings.HasPrefix(string(got), "421 4.7.0 ") {
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
	g.wait()
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
	g := newGate(l)
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
	g.stop()
	c.(*conn).setBusy(true)
	if _, err := client.Write([]byte("U1")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 2)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "U1" {
		t.Errorf("read %q, %v", got, err)
	}
	c.(*conn).setBusy(false)
	if _, err := c.Read(got); err == nil {
		t.Error("read on after the mail")
	}
}

func TestStop(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	other, err := New(b.network.host)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := other.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- other.Serve(ctx) }()
	idle := dial(t, addr).greet()
	busy := dial(t, addr).greet()
	busy.say("MAIL FROM:<rider@example.org>", "250 ")
	busy.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
	busy.say("DATA", "354 ")
	busy.write("From: rider@example.org\r\n\r\nU1 Plärrer\r\n")
	stop()
	if got := idle.multi(); !strings.HasPrefix(got, "421 ") {
		t.Errorf("an idle connection got %s", got)
	}
	busy.write(".\r\n")
	if got := busy.multi(); !strings.HasPrefix(got, "250 ") {
		t.Errorf("a mail under way got %s", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(b.take()) != 1 {
		t.Error("the mail under way was not heard")
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("the server still listens")
	}
	t.Run("again", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- other.Serve(ctx) }()
		for { // until it listens again
			if c, err := net.Dial("tcp", addr); err == nil {
				c.Close()
				break
			}
		}
		dial(t, addr).greet()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
