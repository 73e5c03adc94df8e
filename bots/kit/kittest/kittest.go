// Package kittest is what the tests of networks stand on: a host with everything
// that the program gives a network, a clock that they move, an inbox for what
// bots hear, Receive at work. Chat and Post are the checks that every network of
// their kind must pass against its stand-in.
package kittest

import (
	"testing"
	"time"

	"ticketfrei/bots"
)

// Patience bounds everything that a test waits for.
const Patience = 20 * time.Second

// Until waits until ok tells that something is so of which nobody tells, as of what is
// stored.
func Until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for late := time.Now().Add(Patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			tb.Fatalf("waited in vain for: %s", what)
		}
	}
}

// WantKind checks that err is an error of that kind.
func WantKind(tb testing.TB, err error, want bots.Kind) {
	tb.Helper()
	if kind, _ := bots.KindOf(err); err == nil || kind != want {
		tb.Errorf("error %v of kind %d, want kind %d", err, kind, want)
	}
}

// Start starts a stand-in for Chat or Post.
func Start[S any](tb testing.TB, start func() (S, error)) S {
	tb.Helper()
	return must(start())(tb)
}
