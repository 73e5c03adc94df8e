package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/config"
)

// TestDomains has further mail domains in a file and in the environment.
func TestDomains(t *testing.T) {
	for _, tt := range []struct {
		name, file, env string
		want            config.Domains
		wrong           string
	}{
		{name: "none"},
		{name: "a list", file: `domains = ["Old.Example.org.", "münchen.example", "old.example.org"]`, want: config.Domains{"old.example.org", "xn--mnchen-3ya.example"}},
		{name: "a text", file: `domains = "old.example.org, older.example.org"`, want: config.Domains{"old.example.org", "older.example.org"}},
		{name: "the environment", env: "old.example.org,TICKETS.example.org", want: config.Domains{"old.example.org"}},
		{name: "an address", env: "city@old.example.org", wrong: `"city@old.example.org" is not a domain`},
		{name: "a URL", env: "https://old.example.org/", wrong: "is not a domain"},
		{name: "a number", env: "192.0.2.1", wrong: `"192.0.2.1" is not a domain`},
		{name: "a port", env: "old.example.org:25", wrong: "is not a domain"},
		{name: "two dots", env: "old..example.org", wrong: "is not a domain"},
		{name: "nothing", file: `domains = [""]`, wrong: "is not a domain"},
		{name: "no list", file: "domains = 1", wrong: "is a number, not a list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := config.Source{Defaults: defaults(t), Env: []string{"TICKETFREI_MAIL_DOMAIN=tickets.example.org"}}
			if tt.file != "" {
				src.File = write(t, "[mail]\n"+tt.file)
			}
			if tt.env != "" {
				src.Env = append(src.Env, "TICKETFREI_MAIL_DOMAINS="+tt.env)
			}
			cfg, err := config.Load(src)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) || !strings.Contains(err.Error(), "mail.domains") {
					t.Fatalf("the error is %v, want %q", err, tt.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string(tt.want), append([]string(nil), cfg.Mail.Domains...)); diff != "" {
				t.Error(diff)
			}
			for _, domain := range append(tt.want, "tickets.example.org", "TICKETS.example.org.") {
				if !cfg.Mail.Takes(domain) || !cfg.Mail.Takes(strings.ToUpper(domain)) {
					t.Errorf("%s is not taken", domain)
				}
			}
			for _, domain := range []string{"", ".", "example.org", "x.tickets.example.org", "nürnberg.example"} {
				if cfg.Mail.Takes(domain) {
					t.Errorf("%q is taken", domain)
				}
			}
		})
	}
}

// TestDomainsThatNobodyKnows are warned of where the pages are public.
func TestDomainsThatNobodyKnows(t *testing.T) {
	cfg, err := loadEnv(t, "TICKETFREI_WEB_URL=https://tickets.example.org", "TICKETFREI_MAIL_DOMAIN=tickets.example.org", "TICKETFREI_MAIL_DOMAINS=localhost,old.example.org")
	if err != nil {
		t.Fatal(err)
	}
	var about []string
	for _, w := range cfg.Warnings {
		if w.Key == "mail.domains" {
			about = append(about, w.Problem)
		}
	}
	if len(about) != 1 || !strings.Contains(about[0], "localhost") {
		t.Errorf("the warnings are %q", about)
	}
}
