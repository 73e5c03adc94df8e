package scaffold

import (
	"testing"

	"ticketfrei/bots/kit/kittest"
	"ticketfrei/tools/newnetwork/scaffold/chat/standin"
)

// TestChat holds the network to what people expect of every chat network: it
// subscribes and unsubscribes, answers, keeps its pace and loses nothing.
func TestChat(t *testing.T) {
	kittest.Chat(t, Definition(), kittest.Start(t, standin.Start))
}
