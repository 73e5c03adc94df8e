package chat_test

import (
	"testing"

	"ticketfrei/bots/kit/chat"
)

func TestMention(t *testing.T) {
	tests := []struct {
		text, rest string
		mentioned  bool
	}{
		{"@kontis U1", "U1", true},
		{"@Kontis: U1", "U1", true},
		{"U1 @kontis", "U1", true},
		{"U1, @kontis!", "U1, !", true},
		{"@kontis @kontis U1", "U1", true},
		{"@kontis\nU1\nU2", "U1\nU2", true},
		{"@kontis", "", true},
		{"Thanks, @kontis.", "Thanks, .", true},
		{"@kontis.example U1", "@kontis.example U1", false},
		{"@kontis_bot U1", "@kontis_bot U1", false},
		{"me@kontis U1", "me@kontis U1", false},
		{"U1 kontis", "U1 kontis", false},
		{"  spaces stay  ", "  spaces stay  ", false},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			rest, mentioned := chat.Mention(tt.text, "@kontis")
			if rest != tt.rest || mentioned != tt.mentioned {
				t.Errorf("%q, %v, want %q, %v", rest, mentioned, tt.rest, tt.mentioned)
			}
		})
	}
}
