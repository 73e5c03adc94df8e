// Package botstest is what the tests of networks stand on: a clock that they
// move, an inbox for what a bot emits, Receive at work, and a stand-in of the
// site around a network's pages.
package botstest

import (
	"testing"
	"time"

	"ticketfrei/bots"
)

// Patience bounds everything that a test waits for.
const Patience = 20 * time.Second

// WantKind checks that err is an error of that kind.
func WantKind(tb testing.TB, err error, want bots.Kind) {
	tb.Helper()
	if kind, _ := bots.KindOf(err); err == nil || kind != want {
		tb.Errorf("error %v of kind %d, want kind %d", err, kind, want)
	}
}
