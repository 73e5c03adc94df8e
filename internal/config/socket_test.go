package config_test

import (
	"strings"
	"testing"

	"ticketfrei/internal/config"
)

// TestListenAtASocket takes a whole path, for a proxy that has the certificate.
func TestListenAtASocket(t *testing.T) {
	for _, tt := range []struct{ listen, acme, wrong string }{
		{"unix:/run/ticketfrei/web.sock", "", ""},
		{"unix:web.sock", "", "is no path of a Unix socket"},
		{"unix:", "", "is no path of a Unix socket"},
		{"unix:/" + strings.Repeat("x", 101), "", "of at most 100 letters"},
		{"unix:/run/ticketfrei/web.sock", "you@example.org", "is a Unix socket, though web.acme is set"},
	} {
		c, err := config.Load(config.Source{Defaults: defaults(t), Env: []string{"TICKETFREI_WEB_LISTEN=" + tt.listen, "TICKETFREI_WEB_ACME=" + tt.acme,
			"TICKETFREI_WEB_URL=https://tickets.example.org", "TICKETFREI_MAIL_DOMAIN=tickets.example.org"}})
		switch {
		case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)):
			t.Errorf("%s: %v, want %q", tt.listen, err, tt.wrong)
		case tt.wrong == "" && (err != nil || len(c.Warnings) > 0):
			t.Errorf("%s: %v, %v", tt.listen, err, c.Warnings)
		}
	}
}
