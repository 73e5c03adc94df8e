package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// Domains is a setting that lists domains of mail addresses: in a file ["old.example.org"], in a
// text "old.example.org, older.example.org". They are in ASCII and lower case.
type Domains []string

// How domains are written.
const hintDomains = `write only what stands after the @, such as ["old.example.org"]`

// setDomains sets the field to the domains in a value read from TOML, or in a text with commas
// between them.
func (f *field) setDomains(value any) *problem {
	list, p := texts(value, hintDomains)
	if p != nil {
		return p
	}
	var domains Domains
	for _, text := range list {
		domain, err := mailDomain(text)
		if _, notAddress := netip.ParseAddr(text); err != nil || notAddress == nil || strings.ContainsAny(domain, "@/: ") {
			return &problem{fmt.Sprintf("%q is not a domain", text), hintDomains}
		}
		if !slices.Contains(domains, domain) {
			domains = append(domains, domain)
		}
	}
	*f.value.Addr().Interface().(*Domains) = domains
	return nil
}

// mailDomain turns a domain as typed into the form that mail servers know: UTS
// #46, as for a lookup, with the length limits of DNS.
func mailDomain(domain string) (string, error) {
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))
	ascii, err := profile.ToASCII(domain)
	ascii = strings.TrimSuffix(ascii, ".") // the root, which is written only in DNS
	if err == nil && (ascii == "" || strings.HasSuffix(ascii, ".")) {
		err = errors.New("has an empty part")
	}
	return ascii, err
}

// Taken are the domains whose mail is taken, in lower case: that of the cities' addresses
// first, and then those that they had elsewhere.
func (m Mail) Taken() []string {
	return append([]string{strings.ToLower(m.Domain)}, m.Domains...)
}

// Takes tells whether mail to a domain is taken, however it is spelled.
func (m Mail) Takes(domain string) bool {
	domain = strings.TrimSuffix(domain, ".")
	if strings.EqualFold(domain, m.Domain) {
		return true
	}
	if len(m.Domains) == 0 && isASCII(domain) {
		return false
	}
	ascii, err := mailDomain(domain)
	return err == nil && (ascii == m.Domain || slices.Contains(m.Domains, ascii))
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' }) }
