package config_test

import (
	"errors"
	"strings"
	"testing"

	"ticketfrei/internal/config"
)

func loadEnv(t *testing.T, env ...string) (*config.Config, error) {
	t.Helper()
	return config.Load(config.Source{Defaults: defaults(t), Env: env})
}

// TestNameOfTheMailServer reads mail.helo.
func TestNameOfTheMailServer(t *testing.T) {
	for helo, want := range map[string]string{
		"":                    "tickets.example.org",
		"Mail.Example.org":    "mail.example.org",
		"mail.example.org.":   "mail.example.org",
		"post.Städte.example": "post.xn--stdte-hra.example",
		"localhost":           "localhost",
	} {
		c, err := loadEnv(t, "TICKETFREI_MAIL_DOMAIN=tickets.example.org", "TICKETFREI_MAIL_HELO="+helo)
		if err != nil || c.Mail.Name() != want {
			t.Errorf("%q: %v, %v; want %s", helo, c, err, want)
		}
	}
	for _, helo := range []string{"mail server", "192.0.2.1", "[192.0.2.1]", "2001:db8::1", "mail_1.example.org", "-mail.example.org", "mail..example.org",
		"tickets", "https://mail.example.org", "mail.example.org:25", strings.Repeat("a", 64) + ".example.org"} {
		_, err := loadEnv(t, "TICKETFREI_MAIL_HELO="+helo)
		if e, ok := errors.AsType[config.Error](err); !ok || e.Key != "mail.helo" || e.Source != "TICKETFREI_MAIL_HELO" || e.Hint == "" {
			t.Errorf("%q: %v", helo, err)
		}
	}
}

// TestPasswordFileOfTheRelay: the relay has one password, in its URL or in a file.
func TestPasswordFileOfTheRelay(t *testing.T) {
	for _, tt := range []struct {
		relay, file string
		want        string // the setting that is wrong
	}{
		{"smtp://me@mail.example.org", "/run/secrets/relay", ""},
		{"smtps://me@mail.example.org", "relay", ""},
		{"smtp://me:pw@mail.example.org", "", ""},
		{"smtp://me@mail.example.org", "", "mail.relay"},
		{"smtp://me:pw@mail.example.org", "relay", "mail.relay_password_file"},
		{"smtp://:pw@mail.example.org", "relay", "mail.relay_password_file"},
		{"smtp://mail.example.org", "relay", "mail.relay_password_file"},
		{"", "relay", "mail.relay_password_file"},
	} {
		_, err := loadEnv(t, "TICKETFREI_MAIL_RELAY="+tt.relay, "TICKETFREI_MAIL_RELAY_PASSWORD_FILE="+tt.file)
		e, ok := errors.AsType[config.Error](err)
		if tt.want == "" && err != nil || tt.want != "" && (!ok || e.Key != tt.want || e.Hint == "") {
			t.Errorf("%s and %q: %v; want %q", tt.relay, tt.file, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "pw@") {
			t.Errorf("the password is shown: %v", err)
		}
	}
}
