package mail

import (
	"context"
	"net"
	"strings"
	"testing"
)

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
