package verify

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// nearness is how near a domain that vouches for a mail is to the one in From
// (RFC 7489 §3.1).
type nearness int

const (
	nobody           nearness = iota // it has no say
	sameOrganization                 // enough, unless the domain asks for more
	sameDomain
)

// near says how near a domain is.
func (c *check) near(domain string) nearness {
	domain = ASCII(domain)
	switch {
	case domain == "":
		return nobody
	case domain == c.domain:
		return sameDomain
	case c.organization != "" && organization(domain) == c.organization:
		return sameOrganization
	}
	return nobody
}

// organization returns the domain that somebody has registered and that another
// is in, or "".
func organization(domain string) string {
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return ""
	}
	return registered
}

// ASCII returns a domain in lower case and in ASCII (RFC 5891), or "" for what is
// none.
func ASCII(domain string) string {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil {
		return ""
	}
	return ascii
}

// domainOf returns what stands behind the last @ of an address.
func domainOf(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	return ASCII(address[at+1:])
}
