package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ticketfrei/internal/config"
)

// loadNetworks reads mail.trusted_networks as it is written in a file; empty
// where it is set in the environment alone.
func loadNetworks(t *testing.T, file, env string) (*config.Config, error) {
	t.Helper()
	src := config.Source{Defaults: defaults(t)}
	if file != "" {
		src.File = write(t, "mail.trusted_networks = "+file)
	}
	if env != "" {
		src.Env = []string{"TICKETFREI_MAIL_TRUSTED_NETWORKS=" + env}
	}
	return config.Load(src)
}

func TestNetworks(t *testing.T) {
	tests := []struct{ name, file, env, want string }{
		{"none", `[]`, "", ""},
		{"an address", `["192.0.2.1"]`, "", "192.0.2.1/32"},
		{"both kinds", `["10.1.2.3/8", "2001:db8::1", "fe80::/10"]`, "", "10.0.0.0/8 2001:db8::1/128 fe80::/10"},
		{"IPv4 written as IPv6", `["::ffff:192.0.2.1"]`, "", "192.0.2.1/32"},
		{"environment", "", "10.0.0.0/8, ::1", "10.0.0.0/8 ::1/128"},
		{"the environment wins", `["192.0.2.1"]`, " ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := loadNetworks(t, tt.file, tt.env)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Trim(fmt.Sprint(c.Mail.TrustedNetworks), "[]"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestNetworksThatAreNone(t *testing.T) {
	tests := []struct{ file, env, want string }{
		{`"10.0.0.1"`, "", "is a text, not a list"},
		{`[10]`, "", "has a number in its list"},
		{`["10.0.0.1", "relay.example.org"]`, "", `"relay.example.org" is neither an address nor a network`},
		{`["10.0.0.1/33"]`, "", `"10.0.0.1/33" is neither an address nor a network`},
		{`["fe80::1%eth0"]`, "", `"fe80::1%eth0" is neither an address nor a network`},
		{`["::ffff:10.0.0.0/104"]`, "", `"::ffff:10.0.0.0/104" is an IPv4 network in the form of IPv6`},
		{`["0.0.0.0/0"]`, "", `"0.0.0.0/0" is every address there is`},
		{`["::/0"]`, "", `"::/0" is every address there is`},
		{"", "10.0.0.1,", `"" is neither an address nor a network`},
	}
	for _, tt := range tests {
		t.Run(tt.file+tt.env, func(t *testing.T) {
			_, err := loadNetworks(t, tt.file, tt.env)
			list, ok := errors.AsType[config.Errors](err)
			if !ok || len(list) != 1 || list[0].Problem != tt.want || list[0].Key != "mail.trusted_networks" {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestNetworksHint tells how to write a list where it was written: quotes and brackets
// are of the file alone.
func TestNetworksHint(t *testing.T) {
	for _, tt := range []struct{ file, env, want string }{
		{`["relay.example.org"]`, "", `such as ["10.0.0.0/8", "2001:db8::1"]`},
		{"", `["10.0.0.1"]`, "such as 10.0.0.0/8,2001:db8::1"},
	} {
		if _, err := loadNetworks(t, tt.file, tt.env); err == nil || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestNetworksContain(t *testing.T) {
	c, err := loadNetworks(t, `["10.0.0.0/8", "2001:db8::1", "fe80::/10"]`, "")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"10.255.0.1": true, "11.0.0.1": false, "::ffff:10.0.0.1": true,
		"2001:db8::1": true, "2001:db8::2": false, "fe80::1%eth0": true,
	} {
		if got := c.Mail.TrustedNetworks.Contains(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
	var b bytes.Buffer
	if err := c.Print(&b, nil); err != nil {
		t.Fatal(err)
	}
	if want := "\ntrusted_networks = [\"10.0.0.0/8\", \"2001:db8::1\", \"fe80::/10\"]\n"; !strings.Contains(b.String(), want) {
		t.Errorf("printed as\n%s", b.String())
	}
}
