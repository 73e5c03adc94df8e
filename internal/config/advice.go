package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// advice warns of settings that are right by themselves but do not fit together.
func (s *settings) advice(c *Config) []Error {
	var list []Error
	warn := func(key, problem, hint string) {
		list = append(list, Error{Key: key, Source: s.fields[key].source, Problem: problem, Hint: hint})
	}
	u, err := url.Parse(c.Web.URL)
	if err != nil {
		return nil
	}
	public := IsPublic(u.Hostname())
	servesHTTPS := c.Web.ACME != ""     // by itself
	_, isSocket := Socket(c.Web.Listen) // nobody but a proxy connects to it
	if u.Scheme == "https" && !servesHTTPS && !isSocket && len(c.Web.TrustedProxies) == 0 {
		warn("web.trusted_proxies", "names no proxy although web.url is https: all visitors look like one, and share the limits of one",
			`set it to the addresses of the proxy in front, such as ["127.0.0.1", "::1"], or set web.acme if there is none`)
	}
	if u.Scheme == "http" && public && !strings.HasSuffix(u.Hostname(), ".onion") {
		warn("web.url", "is http on a public address: passwords and reports can be read on their way",
			"write the address with https://, and set web.acme or put a proxy that speaks https in front")
	}
	if s.fields["web.url"].source == builtIn && IsPublic(c.Mail.Domain) {
		warn("web.url", "is still "+c.Web.URL+" although mail.domain is public: links in mails lead nowhere",
			`set it to the address that visitors use, such as "https://ticketfrei.example.org"`)
	}
	if c.Web.Signup == SignupApproval && c.Web.Operator == "" {
		warn("web.signup", "is approval, but nobody is told of cities that wait", "set web.operator to your mail address")
	}
	if public && (c.Mail.Domain == "localhost" || strings.HasSuffix(c.Mail.Domain, ".localhost")) {
		warn("mail.domain", "is "+c.Mail.Domain+" although the pages are public: no mail reaches the cities",
			`set it to the domain of their addresses, such as "ticketfrei.example.org"`)
	}
	for _, domain := range c.Mail.Domains {
		if public && !IsPublic(domain) {
			warn("mail.domains", "has "+domain+", which others do not know: no mail to it arrives", "write the domains that the cities had before, or leave it out")
		}
	}
	return list
}

// IsPublic tells whether a host of a URL may be reached from outside: it is
// neither an address nor a name that only a machine or a local network knows.
func IsPublic(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		address = address.Unmap()
		return address.IsGlobalUnicast() && !address.IsPrivate()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, local := range []string{"localhost", "local", "internal", "lan", "home.arpa", "test"} {
		if host == local || strings.HasSuffix(host, "."+local) {
			return false
		}
	}
	return strings.Contains(host, ".")
}
