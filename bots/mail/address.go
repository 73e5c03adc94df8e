package mail

import (
	"strings"

	"ticketfrei/internal/address"
)

// readAddress returns the address that somebody typed in, in the one spelling
// we use: lower case, the domain in ASCII. problem is the id of a text that
// says what is wrong.
func (n *Network) readAddress(typed string) (email, problem string) {
	if strings.TrimSpace(typed) == "" {
		return "", "mail.subscribe.empty"
	}
	email, domain, ok := address.Plain(typed, n.host.Config.Network.AllowPrivate)
	if !ok {
		return "", "mail.subscribe.invalid"
	}
	if n.host.Config.Mail.Takes(domain) {
		return "", "mail.subscribe.ours"
	}
	return email, ""
}
