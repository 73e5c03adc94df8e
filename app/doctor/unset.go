package doctor

import (
	"net/netip"
	"net/url"
	"strings"

	"ticketfrei/internal/config"
)

// Unset has a Wrong result for each setting that names this machine by a name that
// means another machine elsewhere, as the defaults do: DNS cannot say anything of it.
func Unset(cfg *config.Config) []Result {
	var list []Result
	unset := func(key, value, others, example string) {
		list = append(list, Result{Wrong, "setting " + key, "it is " + value + ", which " + others, "set it to " + example})
	}
	if isSelf(cfg.Mail.Domain) {
		unset("mail.domain", cfg.Mail.Domain, "no other mail server knows: no mail from outside reaches the cities",
			`the domain of their addresses, such as "tickets.example.org"`)
	}
	if isSelf(cfg.Mail.Helo) {
		unset("mail.helo", cfg.Mail.Helo, "no other mail server knows", `the name of this server, such as "mail.example.org", or leave it empty`)
	}
	if UnsetURL(cfg) {
		unset("web.url", cfg.Web.URL, "nobody else can open: links in mails lead nowhere",
			`the address of the pages, such as "https://tickets.example.org"`)
	}
	return list
}

// UnsetMail tells whether nothing can be said of the records that mail needs.
func UnsetMail(cfg *config.Config) bool { return isSelf(cfg.Mail.Domain) || isSelf(cfg.Mail.Helo) }

// UnsetURL tells whether web.url leads everybody to their own machine. Who looks at
// this machine alone, with network.allow_private, may want that.
func UnsetURL(cfg *config.Config) bool {
	u, err := url.Parse(cfg.Web.URL)
	if err != nil {
		return false
	}
	if address, err := netip.ParseAddr(u.Hostname()); err == nil {
		return address.IsLoopback() && !cfg.Network.AllowPrivate
	}
	return isSelf(u.Hostname())
}

// isSelf tells whether a name is that of whatever machine looks it up (RFC 6761 §6.3).
func isSelf(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
