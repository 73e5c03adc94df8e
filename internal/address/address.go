// Package address reads mail addresses as people type them.
package address

import (
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
)

// Bounds of an address and of what stands before its "@", in bytes (RFC 5321 §4.5.3.1).
const (
	MaxLength = 254
	MaxLocal  = 64
)

// Plain returns an address that stands for itself in the one spelling that is stored: lower
// case, the domain in ASCII. With dotless, it may be one of an intranet.
func Plain(typed string, dotless bool) (email, domain string, ok bool) {
	typed = strings.TrimSpace(typed)
	if strings.ContainsAny(typed, "<>\"()") {
		return "", "", false
	}
	return Named(typed, dotless)
}

// Named is Plain for an address that may have a name with it: "Anna <anna@example.org>".
func Named(typed string, dotless bool) (email, domain string, ok bool) {
	parsed, err := mail.ParseAddress(strings.TrimSpace(typed))
	if err != nil || len(parsed.Address) > MaxLength {
		return "", "", false
	}
	at := strings.LastIndexByte(parsed.Address, '@')
	local, domain := parsed.Address[:at], parsed.Address[at+1:]
	domain, err = idna.Lookup.ToASCII(domain)
	// Without a dot it is a typing mistake, but for machines on an intranet.
	if err != nil || len(local) > MaxLocal || strings.ContainsAny(local, " \t\"") || !strings.Contains(domain, ".") && !dotless {
		return "", "", false
	}
	domain = strings.ToLower(domain)
	return strings.ToLower(local) + "@" + domain, domain, true
}
