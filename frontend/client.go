package frontend

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/go-chi/httprate"

	"ticketfrei/internal/clients"
	"ticketfrei/internal/config"
)

// ClientIP is the visitor's address for the purpose of limits; for IPv6 it is
// the network. See clientAddress.
func (s *Site) ClientIP(r *http.Request) string {
	return httprate.CanonicalizeIP(clientAddress(r, s.Config.Web.TrustedProxies).String())
}

// clientAddress returns the address that a request comes from: the last one on
// its way that is not a trusted proxy. Each proxy has added the address before it
// to X-Forwarded-For; what stands before the first of an untrusted one may be the
// visitor's invention. The address is not valid where the connection has none.
func clientAddress(r *http.Request, trusted config.Networks) netip.Addr {
	client := parseAddress(r.RemoteAddr)
	chain := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for chain != "" && trusted.Contains(client) {
		at := strings.LastIndexByte(chain, ',')
		before := parseAddress(strings.TrimSpace(chain[at+1:]))
		if !before.IsValid() {
			break
		}
		client, chain = before, chain[:max(at, 0)]
	}
	return client
}

// ClientNetwork is what a visitor is counted by: the zero Prefix where everybody comes
// from one address.
func (s *Site) ClientNetwork(r *http.Request) netip.Prefix {
	addr := clientAddress(r, s.Config.Web.TrustedProxies)
	if s.Config.Web.TrustedProxies.Contains(addr) || clients.IsGateway(addr) {
		return netip.Prefix{}
	}
	return clients.Network(addr)
}

// parseAddress reads an IP address, with a port or without.
func parseAddress(text string) netip.Addr {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap().WithZone("")
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}
