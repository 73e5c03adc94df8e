// Package botstest gives what is in kittest its former name, for the tests of
// networks that have not moved yet.
package botstest

import (
	"ticketfrei/bots/kit/kittest"
)

// Patience is that of kittest.
const Patience = kittest.Patience

// What kittest has.
type (
	Clock          = kittest.Clock
	Inbox          = kittest.Inbox
	Receiving      = kittest.Receiving
	Site[S, P any] = kittest.Site[S, P]
)

// What kittest does.
var (
	WantKind      = kittest.WantKind
	StandingClock = kittest.StandingClock
	NewInbox      = kittest.NewInbox
	Receive       = kittest.Receive
	Request       = kittest.Request
)
