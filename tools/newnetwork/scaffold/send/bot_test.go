package scaffold

import (
	"testing"

	"ticketfrei/bots/kit/kittest"
	"ticketfrei/tools/newnetwork/scaffold/send/standin"
)

// TestSend holds the network to what people expect of every one that posts. Who sends
// only has not to hear: those checks leave themselves out.
func TestSend(t *testing.T) {
	kittest.Post(t, Definition(), kittest.Start(t, standin.Start), kittest.Skip{
		"boost": "the toy has no boosts",
		"once":  "the toy knows no keys: where an answer is lost, the post is there twice",
		"taken": "the toy takes nothing back",
	})
}
