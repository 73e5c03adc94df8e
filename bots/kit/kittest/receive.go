package kittest

import (
	"context"
	"testing"
	"time"

	"ticketfrei/bots"
)

// Receiving is a bot whose Receive runs.
type Receiving struct {
	tb     testing.TB
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Receive, once done is closed
}

// Receive runs the bot's Receive, which emits into in, until Stop is called or
// the test ends.
func Receive(tb testing.TB, b bots.Bot, in *Inbox) *Receiving {
	ctx, cancel := context.WithCancel(tb.Context())
	r := &Receiving{tb: tb, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = b.Receive(ctx, in.Emit)
	}()
	tb.Cleanup(func() { _ = r.Stop() })
	return r
}

// Stop ends the context of Receive and returns the error that Receive ends
// with, or has ended with before.
func (r *Receiving) Stop() error {
	r.tb.Helper()
	r.cancel()
	return r.Ended()
}

// Ended waits for Receive to end by itself and returns its error.
func (r *Receiving) Ended() error {
	r.tb.Helper()
	select {
	case <-r.done:
		return r.err
	case <-time.After(Patience):
		r.tb.Fatal("Receive goes on")
		return nil
	}
}
