package mail

import (
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
)

// maxAddress is how long an address may be, in bytes (RFC 5321 §4.5.3.1.3).
const maxAddress = 254

// readAddress returns the address that somebody typed in, in the one spelling
// we use: lower case, the domain in ASCII. problem is the id of a text that
// says what is wrong.
func (n *Network) readAddress(typed string) (email, problem string) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return "", "mail.subscribe.empty"
	}
	parsed, err := mail.ParseAddress(typed)
	if err != nil || parsed.Name != "" || len(typed) > maxAddress || strings.ContainsAny(typed, "<>\"()") {
		return "", "mail.subscribe.invalid"
	}
	at := strings.LastIndexByte(parsed.Address, '@')
	local, domain := parsed.Address[:at], parsed.Address[at+1:]
	domain, err = idna.Lookup.ToASCII(domain)
	// Without a dot it is a typing mistake, but for machines on an intranet.
	if err != nil || len(local) > maxLocalPart || !strings.Contains(domain, ".") && !n.host.Config.Network.AllowPrivate {
		return "", "mail.subscribe.invalid"
	}
	if strings.EqualFold(domain, n.host.Config.Mail.Domain) {
		return "", "mail.subscribe.ours"
	}
	return strings.ToLower(local + "@" + domain), ""
}
