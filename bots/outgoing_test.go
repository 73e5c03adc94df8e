package bots_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots"
)

// TestBotsHaveTheirConnectionsOnly opens as many connections as bots may have: the
// next is made when one of them is closed.
func TestBotsHaveTheirConnectionsOnly(t *testing.T) {
	answer := make(chan bool)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-answer:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(srv.Close)
	outgoing := bots.NewOutgoing(2)
	client := bots.NewHTTPClient(true, outgoing)
	t.Cleanup(client.CloseIdleConnections)
	ended := make(chan error, 3)
	get := func() {
		resp, err := client.Get(srv.URL)
		if err == nil {
			resp.Body.Close()
		}
		ended <- err
	}
	for range 3 {
		go get()
	}
	for range 3 {
		answer <- true
	}
	for range 3 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	client.CloseIdleConnections()
	dial := outgoing.Dial(&net.Dialer{})
	var open []net.Conn
	for range 2 {
		c, err := dial(t.Context(), "tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := dial(ctx, "tcp", srv.Listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "limit of open files") {
		t.Errorf("a third was made: %v", err)
	}
	open[0].Close()
	open[0].Close() // frees one place, not two
	if c, err := dial(t.Context(), "tcp", srv.Listener.Addr().String()); err != nil {
		t.Error(err)
	} else {
		defer c.Close()
	}
	open[1].Close()
	if _, err := dial(t.Context(), "tcp", "127.0.0.1:1"); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody is there: %v", err)
	}
	if len(outgoing) != 1 {
		t.Errorf("%d connections are counted, want 1", len(outgoing))
	}
}
