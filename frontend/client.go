package frontend

import (
	"net/http"
	"net/netip"

	"github.com/go-chi/httprate"

	"ticketfrei/internal/clients"
)

// ClientIP is the visitor's address for the purpose of limits; for IPv6 it is
// the network. See clients.RequestAddr.
func (s *Site) ClientIP(r *http.Request) string {
	return httprate.CanonicalizeIP(clients.RequestAddr(r, s.Config.Web.TrustedProxies).String())
}

// ClientNetwork is what a visitor is counted by: the zero Prefix where everybody comes
// from one address.
func (s *Site) ClientNetwork(r *http.Request) netip.Prefix {
	return clients.OfRequest(r, s.Config.Web.TrustedProxies)
}
