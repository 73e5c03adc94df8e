package account_test

import (
	"strings"
	"testing"

	"ticketfrei/bots/kit/account"
)

func TestServer(t *testing.T) {
	tests := []struct {
		typed string
		plain bool
		want  string // empty where it is refused
	}{
		{"chat.example", false, "https://chat.example"},
		{" https://Chat.Example/ ", false, "https://chat.example"},
		{"chat.example:8443", false, "https://chat.example:8443"},
		{"http://127.0.0.1:80", true, "http://127.0.0.1:80"},
		{"http://chat.example", false, ""},
		{"ftp://chat.example", true, ""},
		{"https://me:secret@chat.example", false, ""},
		{"https://chat.example/login", false, ""},
		{"https://chat.example?a=b", false, ""},
		{"https://chat.example#a", false, ""},
		{"https://:443", false, ""},
		{"javascript:alert(1)", true, ""},
		{"two words", true, ""},
		{"", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.typed, func(t *testing.T) {
			got, err := account.Server("server", tt.typed, tt.plain)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestWebhook(t *testing.T) {
	tests := []struct {
		typed string
		plain bool
		want  string // empty where it is refused
	}{
		{"https://chat.example/hooks/42?wait=true", false, "https://chat.example/hooks/42?wait=true"},
		{" https://chat.example ", false, "https://chat.example"},
		{"http://127.0.0.1:80/hook", true, "http://127.0.0.1:80/hook"},
		{"http://chat.example/hook", false, ""},
		{"ftp://chat.example/hook", true, ""},
		{"https://me:secret@chat.example/hook", false, ""},
		{"https:///hook", true, ""},
		{"chat.example/hook", true, ""},
		{"no address at all", true, ""},
		{"", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.typed, func(t *testing.T) {
			server, got, err := account.Webhook("url", tt.typed, tt.plain)
			if got != tt.want || !strings.HasPrefix(got, server) || (err == nil) != (tt.want != "") {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
