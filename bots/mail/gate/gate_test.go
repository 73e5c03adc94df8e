package gate

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

// patience is how long a test waits for something that must happen.
const patience = 20 * time.Second

func nobody(netip.Addr) bool    { return false }
func everybody(netip.Addr) bool { return true }

// entrance is a gate on loopback whose connections a test takes itself.
type entrance struct {
	*testing.T
	*Gate
	accepted chan *Conn
}

// open opens a gate by rules whose gaps it fills: nobody is trusted, and everybody
// is a client of their own.
func open(t *testing.T, r Rules) *entrance {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Refusal, r.Name = "421 no room\r\n", "mail.example"
	if r.Trusted == nil {
		r.Trusted = nobody
	}
	if r.Gateway == nil {
		r.Gateway = nobody
	}
	if r.Unseen == nil {
		r.Unseen = func(netip.Addr) {}
	}
	if r.Idle == 0 {
		r.Idle = time.Minute
	}
	if r.Mail == 0 {
		r.Mail = time.Minute
	}
	e := &entrance{T: t, Gate: New(l, r), accepted: make(chan *Conn)}
	go func() {
		defer close(e.accepted)
		for {
			c, err := e.Accept()
			if err != nil {
				return
			}
			e.accepted <- c.(*Conn)
		}
	}()
	t.Cleanup(func() {
		e.Close()
		e.CloseAll()
	})
	return e
}

// connect comes to the gate.
func (e *entrance) connect() net.Conn {
	e.Helper()
	c, err := net.Dial("tcp", e.Addr().String())
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// enter comes to the gate and is let in.
func (e *entrance) enter() (client net.Conn, c *Conn) {
	e.Helper()
	client = e.connect()
	select {
	case c = <-e.accepted:
		return client, c
	case <-time.After(patience):
		e.Fatal("not let in")
		return nil, nil
	}
}

// refused comes to the gate and finds no room.
func (e *entrance) refused() {
	e.Helper()
	if got, err := io.ReadAll(e.connect()); err != nil || string(got) != "421 no room\r\n" {
		e.Errorf("%q %v", got, err)
	}
}

// mustGo waits until a connection is told to end.
func (e *entrance) mustGo(c *Conn) {
	e.Helper()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		e.Errorf("not told to go: %v", err)
	}
	c.Close()
}

// stays checks that a connection is still served.
func (e *entrance) stays(client net.Conn, c *Conn) {
	e.Helper()
	if _, err := client.Write([]byte("x")); err != nil {
		e.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		e.Errorf("not served any more: %v", err)
	}
}

func TestOneClientMakesRoomForItself(t *testing.T) {
	e := open(t, Rules{All: 3, Each: 2})
	_, first := e.enter()
	client2, second := e.enter()
	client3, third := e.enter()
	e.mustGo(first)
	second.SetBusy(true)
	third.SetBusy(true)
	e.stays(client2, second)
	e.stays(client3, third)
	e.refused()
	second.Close()
	second.Close() // twice does no harm
	_, fourth := e.enter()
	third.Close()
	fourth.Close()
	e.Wait()
	if len(e.conns) != 0 {
		t.Errorf("still there: %v", e.conns)
	}
}

// TestGatewayIsCountedInAllOnly has everybody come from one address.
func TestGatewayIsCountedInAllOnly(t *testing.T) {
	unseen := make(chan netip.Addr, 10)
	e := open(t, Rules{All: 3, Each: 1, Gateway: everybody, Unseen: func(a netip.Addr) { unseen <- a }})
	_, idle := e.enter()
	client, busy := e.enter()
	busy.SetBusy(true)
	e.stays(client, busy)
	e.enter()
	e.enter()
	e.mustGo(idle)
	e.stays(client, busy)
	if _, known := busy.Client(); known || len(unseen) != 4 || <-unseen != netip.MustParseAddr("127.0.0.1") {
		t.Error("nobody was told that clients are not seen")
	}
}

// TestOldestWaitGoes has one connection that has said something, and one that came
// later and has said nothing.
func TestOldestWaitGoes(t *testing.T) {
	e := open(t, Rules{All: 2, Each: 2})
	client, talks := e.enter()
	_, silent := e.enter()
	e.stays(client, talks)
	e.enter()
	e.mustGo(silent)
	e.stays(client, talks)
}

// TestWaitForAMail has a client be silent: without a mail it is not waited for as
// long as the server would.
func TestWaitForAMail(t *testing.T) {
	e := open(t, Rules{All: 3, Each: 3, Idle: 20 * time.Millisecond})
	wait := func(c *Conn) (took time.Duration) {
		start := time.Now()
		_ = c.SetReadDeadline(start.Add(200 * time.Millisecond))
		_, _ = c.Read(make([]byte, 1))
		return time.Since(start)
	}
	_, c := e.enter()
	if got := wait(c); got > 150*time.Millisecond {
		t.Errorf("without a mail it was waited for %s", got)
	}
	c.SetMail(true)
	if got := wait(c); got < 200*time.Millisecond {
		t.Errorf("within a mail it was waited for %s", got)
	}
	c.SetMail(false)
	if got := wait(c); got > 150*time.Millisecond {
		t.Errorf("after a mail it was waited for %s", got)
	}
}

// TestMailTakesItsTime has a mail come in chunks without end.
func TestMailTakesItsTime(t *testing.T) {
	e := open(t, Rules{All: 1, Each: 1, Mail: 50 * time.Millisecond})
	client, c := e.enter()
	c.SetMail(true)
	c.SetBusy(true)
	for start := time.Now(); ; {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, _ = client.Write([]byte("x"))
		if _, err := c.Read(make([]byte, 1)); err != nil {
			return
		}
		if time.Since(start) > patience {
			t.Fatal("it is read for ever")
		}
	}
}

// TestMailThatWasReadIsStored has a connection go whose mail was read a moment ago.
func TestMailThatWasReadIsStored(t *testing.T) {
	slow.Test(t, "waits longer than a connection is given that must go")
	e := open(t, Rules{All: 1, Each: 1})
	client, c := e.enter()
	c.SetMail(true)
	c.SetBusy(true)
	c.end()
	time.Sleep(goodbye + 100*time.Millisecond)
	if _, err := c.Write([]byte("250 OK\r\n")); err != nil {
		t.Error(err)
	}
	c.SetBusy(false)
	e.mustGo(c)
	if got, err := io.ReadAll(client); err != nil || string(got) != "250 OK\r\n" {
		t.Errorf("%q %v", got, err)
	}
}

// TestWhoMustGoAndStays does not close a connection that must go.
func TestWhoMustGoAndStays(t *testing.T) {
	slow.Test(t, "waits for a connection to be cut off")
	e := open(t, Rules{All: 1, Each: 1})
	client, _ := e.enter()
	e.enter()
	if _, err := io.ReadAll(client); err != nil {
		t.Errorf("it was not cut off: %v", err)
	}
}

// TestMailBegunAtTheStop stops between the answer to DATA and the reading of
// the mail.
func TestMailBegunAtTheStop(t *testing.T) {
	e := open(t, Rules{All: 3, Each: 2, Finish: time.Minute})
	client, c := e.enter()
	e.Stop()
	c.SetBusy(true)
	e.stays(client, c)
	c.SetBusy(false)
	e.mustGo(c)
}
