package config_test

import (
	"slices"
	"testing"

	"ticketfrei/internal/config"
)

// TestAdvice has settings that are right by themselves and do not fit together.
func TestAdvice(t *testing.T) {
	const (
		proxy  = "TICKETFREI_WEB_TRUSTED_PROXIES=127.0.0.1"
		domain = "TICKETFREI_MAIL_DOMAIN=tickets.example.org"
	)
	tests := []struct {
		name string
		url  string
		env  []string
		want []string // settings that are warned of
	}{
		{"a laptop", "http://localhost:8080", nil, nil},
		{"a machine of the intranet", "http://10.1.2.3", nil, nil},
		{"a name of the intranet", "http://tickets.fritz.internal", nil, nil},
		{"a name without a domain", "http://tickets", nil, nil},
		{"https behind a proxy", "https://tickets.example.org", []string{proxy, domain}, nil},
		{"https and no proxy", "https://tickets.example.org", []string{domain}, []string{"web.trusted_proxies"}},
		{"https by itself", "https://tickets.example.org", []string{domain, "TICKETFREI_WEB_ACME=you@example.org"}, nil},
		{"http in public", "http://tickets.example.org", []string{domain}, []string{"web.url"}},
		{"http at a public address", "http://203.0.113.7:8080", []string{domain}, []string{"web.url"}},
		{"http at a public IPv6 address", "http://[2001:db8::1]", []string{domain}, []string{"web.url"}},
		{"an onion service", "http://tickets.onion", []string{domain}, nil},
		{"no mail domain", "https://tickets.example.org", []string{proxy}, []string{"mail.domain"}},
		{"no URL", "", []string{domain}, []string{"web.url"}},
		{"a URL to try it out", "http://127.0.0.1:8080", []string{domain}, nil},
		{"an intranet with a mail domain", "http://10.1.2.3", []string{domain, "TICKETFREI_NETWORK_ALLOW_PRIVATE=true"}, nil},
		{"nothing but the URL", "http://tickets.example.org", nil, []string{"web.url", "mail.domain"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.url != "" {
				tt.env = append(tt.env, "TICKETFREI_WEB_URL="+tt.url)
			}
			c, err := config.Load(config.Source{Defaults: defaults(t), Env: tt.env})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range c.Warnings {
				if w.Problem == "" || w.Hint == "" || w.Source == "" {
					t.Errorf("incomplete: %v", w)
				}
				got = append(got, w.Key)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("warned of %v, want %v", got, tt.want)
			}
		})
	}
}
