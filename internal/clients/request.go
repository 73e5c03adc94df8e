package clients

import (
	"net/http"
	"net/netip"
	"strings"
)

// Addresses is a set of addresses.
type Addresses interface{ Contains(netip.Addr) bool }

// RequestAddr returns the address that a request comes from: the last one on
// its way that is not a trusted proxy. Each proxy has added the address before it
// to X-Forwarded-For; what stands before the first of an untrusted one may be the
// visitor's invention. A connection without an address is one of a Unix socket, which nobody
// but a proxy can open: then what it says counts, and the address is not valid where it
// says nothing.
func RequestAddr(r *http.Request, trusted Addresses) netip.Addr {
	client := parseAddr(r.RemoteAddr)
	chain := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for chain != "" && (!client.IsValid() || trusted.Contains(client)) {
		at := strings.LastIndexByte(chain, ',')
		before := parseAddr(strings.TrimSpace(chain[at+1:]))
		if !before.IsValid() {
			break
		}
		client, chain = before, chain[:max(at, 0)]
	}
	return client
}

// OfRequest is what a visitor is counted by: the zero Prefix where everybody comes
// from one address.
func OfRequest(r *http.Request, trusted Addresses) netip.Prefix {
	addr := RequestAddr(r, trusted)
	if !addr.IsValid() || trusted.Contains(addr) || IsGateway(addr) {
		return netip.Prefix{}
	}
	return Network(addr)
}

// parseAddr reads an IP address, with a port or without.
func parseAddr(text string) netip.Addr {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return plain(with.Addr())
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return plain(address)
}
