package kittest

import (
	"context"
	"errors"
	"testing"
	"time"

	"ticketfrei/bots"
)

// Receiving is a bot whose Receive runs.
type Receiving struct {
	tb     testing.TB
	cancel context.CancelFunc
	done   chan struct{}
	err    error         // of Receive, once done is closed
	rests  chan struct{} // who waits for that reads from it
}

// Rests waits until the bot rests.
func (r *Receiving) Rests() {
	r.tb.Helper()
	select {
	case <-r.rests:
	case <-r.done:
		r.tb.Fatalf("Receive has ended with %v", r.err)
	case <-time.After(Patience):
		r.tb.Fatal("the bot does not rest")
	}
}

// Receive runs the bot's Receive, which emits into in, until Stop is called or
// the test ends.
func Receive(tb testing.TB, b bots.Bot, in *Inbox) *Receiving {
	ctx, cancel := context.WithCancel(tb.Context())
	r := &Receiving{tb: tb, cancel: cancel, done: make(chan struct{}), rests: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = r.receive(ctx, b, in)
	}()
	tb.Cleanup(func() { _ = r.Stop() })
	return r
}

// receive runs Receive, again whenever the bot has rested.
func (r *Receiving) receive(ctx context.Context, b bots.Bot, in *Inbox) error {
	woken := make(chan struct{}, 1)
	ctx = bots.WithWaker(ctx, func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	for {
		err := b.Receive(ctx, in.Emit)
		rest, rests := errors.AsType[bots.Rest](err)
		if !rests {
			return err
		}
		until := time.NewTimer(time.Until(rest.Until))
		for resting := true; resting; {
			select {
			case r.rests <- struct{}{}:
			case <-woken:
				resting = false
			case <-until.C:
				resting = false
			case <-ctx.Done():
				resting = false
			}
		}
		until.Stop()
	}
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
