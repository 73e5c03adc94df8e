package app

import (
	"strings"
	"testing"

	telegram "ticketfrei/bots/telegram/standin"
)

// startTelegram starts a stand-in of Telegram.
func startTelegram(t *testing.T, o telegram.Options) *telegram.Server {
	t.Helper()
	s, err := telegram.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// said is how many messages of a bot contain a text.
func said(list []telegram.Message, text string) (n int) {
	for _, m := range list {
		if m.FromBot && strings.Contains(m.Text, text) {
			n++
		}
	}
	return n
}
