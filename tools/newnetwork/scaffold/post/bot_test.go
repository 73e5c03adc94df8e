package scaffold

import (
	"testing"

	"ticketfrei/bots/kit/kittest"
	"ticketfrei/tools/newnetwork/scaffold/post/standin"
)

// TestPost holds the network to what people expect of every one that posts: it
// hears, posts once, and takes back.
func TestPost(t *testing.T) {
	kittest.Post(t, Definition(), kittest.Start(t, standin.Start), kittest.Skip{"boost": "the toy has no boosts"})
}
