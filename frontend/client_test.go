package frontend

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"ticketfrei/internal/clients"
	"ticketfrei/internal/config"
)

// loopback is where a proxy on this machine is.
var loopback = config.Networks{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// TestClientAddress has requests that come straight from visitors and through
// proxies, with what visitors invent.
func TestClientAddress(t *testing.T) {
	proxies := append(config.Networks{netip.MustParsePrefix("10.0.0.0/8")}, loopback...)
	tests := []struct {
		name    string
		remote  string
		header  []string
		trusted config.Networks
		want    string
	}{
		{"no proxy", "203.0.113.7:1", nil, nil, "203.0.113.7"},
		{"a header without a proxy", "203.0.113.7:1", []string{"198.51.100.1"}, nil, "203.0.113.7"},
		{"a header past the proxy", "203.0.113.7:1", []string{"198.51.100.1"}, proxies, "203.0.113.7"},
		{"a header that names a proxy", "203.0.113.7:1", []string{"127.0.0.1"}, proxies, "203.0.113.7"},
		{"a proxy", "127.0.0.1:1", []string{"203.0.113.7"}, proxies, "203.0.113.7"},
		{"a proxy that says nothing", "127.0.0.1:1", nil, proxies, "127.0.0.1"},
		{"a proxy and an invention", "127.0.0.1:1", []string{"198.51.100.1, 203.0.113.7"}, proxies, "203.0.113.7"},
		{"two proxies and an invention", "127.0.0.1:1", []string{"198.51.100.1, 203.0.113.7, 10.1.2.3"}, proxies, "203.0.113.7"},
		{"an invention in the name of a proxy", "127.0.0.1:1", []string{"10.9.9.9, 203.0.113.7,10.1.2.3"}, proxies, "203.0.113.7"},
		{"several headers", "127.0.0.1:1", []string{"198.51.100.1", "203.0.113.7, 10.1.2.3", "10.1.2.4"}, proxies, "203.0.113.7"},
		{"proxies alone", "127.0.0.1:1", []string{"10.1.2.3"}, proxies, "10.1.2.3"},
		{"no address", "127.0.0.1:1", []string{"203.0.113.7, unknown"}, proxies, "127.0.0.1"},
		{"nothing before a comma", "127.0.0.1:1", []string{"203.0.113.7,,10.1.2.3"}, proxies, "10.1.2.3"},
		{"with a port", "127.0.0.1:1", []string{"203.0.113.7:4711"}, proxies, "203.0.113.7"},
		{"IPv6", "[::1]:1", []string{"2001:db8:1:2:3::4"}, proxies, "2001:db8:1:2::"},
		{"IPv6 with a port", "[::1]:1", []string{"[2001:db8:1:2:3::4]:443"}, proxies, "2001:db8:1:2::"},
		{"IPv4 as IPv6", "[::ffff:127.0.0.1]:1", []string{"::ffff:203.0.113.7"}, proxies, "203.0.113.7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Site{Options: Options{Config: &config.Config{Web: config.Web{TrustedProxies: tt.trusted}}}}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = tt.remote, tt.header
			if got := s.ClientIP(r); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// FuzzClientAddress lets a visitor write anything into the header: what the
// trusted proxy has added stays the address.
func FuzzClientAddress(f *testing.F) {
	f.Add("198.51.100.1")
	f.Add("127.0.0.1, [::1]:80,")
	f.Add(strings.Repeat(",", 1000))
	f.Fuzz(func(t *testing.T, invented string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header["X-Forwarded-For"] = []string{invented + ", 203.0.113.7"}
		if got := clients.RequestAddr(r, loopback); got.String() != "203.0.113.7" {
			t.Errorf("%q: %s", invented, got)
		}
	})
}
