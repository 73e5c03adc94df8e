package doctor

import (
	"context"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"ticketfrei/internal/config"
	"ticketfrei/internal/dkim"
)

// Record is a record that DNS should have.
type Record struct {
	Name  string // without a dot at its end
	Type  string // "A", "AAAA", "MX", "TXT" or "PTR"
	Value string // as it stands in a zone file, but a text without quotes
	Why   string // one sentence
	// Advice is what somebody has to fill in, or to ask their hoster for.
	Advice bool
}

// Records returns what DNS should have for a server with these settings. addresses are
// the public ones that lead to it; none: it is not known which they are. Without keys
// the records of DKIM are missing.
func Records(cfg *config.Config, keys *dkim.Keys, addresses []netip.Addr) []Record {
	host, domain := cfg.Mail.Name(), cfg.Mail.Domain
	list := addressRecords(host, "Where the mail server is.", addresses)
	if web := webHost(cfg); web != host && web != "" {
		list = append(list, addressRecords(web, "Where the pages are.", addresses)...)
	}
	list = append(list, Record{Name: domain, Type: "MX", Value: "10 " + host + ".", Why: "Mail to the cities goes to the mail server."})
	for _, former := range cfg.Mail.Domains {
		if former != domain && !isSelf(former) {
			list = append(list, Record{Name: former, Type: "MX", Value: "10 " + host + ".", Why: "Mail to addresses that the cities had before goes there too (mail.domains). Nothing is sent from these domains."})
		}
	}
	list = append(list, senderRecords(cfg.Mail)...)
	if keys != nil {
		for _, r := range keys.Records(domain) {
			list = append(list, Record{Name: r.Name, Type: "TXT", Value: r.Text, Why: "Others verify by it that a mail is ours (DKIM)."})
		}
	}
	list = append(list, Record{Name: "_dmarc." + domain, Type: "TXT", Value: "v=DMARC1; p=none",
		Why: "What others do with mails in our name that are not ours (DMARC). When \"ticketfrei doctor\" finds all well, write p=reject."})
	return append(list, reverseRecords(host, addresses)...)
}

// senderRecords are the SPF records of the domains that mails come from.
func senderRecords(cfg config.Mail) []Record {
	text, why := spfRecord(cfg)
	list := []Record{{Name: cfg.Domain, Type: "TXT", Value: text, Why: why}}
	if other := fromDomain(cfg); other != cfg.Domain {
		list = append(list, Record{Name: other, Type: "TXT", Value: strings.Replace(text, " mx ", " mx:"+cfg.Name()+" ", 1), Advice: true,
			Why: "Account mails come from there (mail.from). If it has an SPF record already, add to that what stands between v=spf1 and all."})
	}
	return list
}

// addressRecords are those of a host. What is not known is left to be filled in.
func addressRecords(host, why string, addresses []netip.Addr) []Record {
	var list []Record
	for _, kind := range []struct{ name, unknown string }{
		{"A", "<the public IPv4 address of this server>"},
		{"AAAA", "<its public IPv6 address; none: leave this out>"},
	} {
		known := len(list)
		for _, a := range addresses {
			if a.Is4() == (kind.name == "A") {
				list = append(list, Record{Name: host, Type: kind.name, Value: a.String(), Why: why})
			}
		}
		if len(list) == known {
			list = append(list, Record{Name: host, Type: kind.name, Value: kind.unknown, Why: why, Advice: true})
		}
	}
	return list
}

// reverseRecords are names of addresses, which belong to the hoster.
func reverseRecords(host string, addresses []netip.Addr) []Record {
	const why = "The reverse DNS name of the server's address. It is set where the server is rented, not in your own zone."
	var list []Record
	for _, a := range addresses {
		list = append(list, Record{Name: reverseName(a), Type: "PTR", Value: host + ".", Why: why, Advice: true})
	}
	if list == nil {
		list = []Record{{Name: "<the server's address>", Type: "PTR", Value: host + ".", Why: why, Advice: true}}
	}
	return list
}

// reverseName is where the name of an address stands in DNS (RFC 1035 §3.5, RFC 3596
// §2.5).
func reverseName(a netip.Addr) string {
	var b strings.Builder
	raw := a.AsSlice()
	for i := len(raw) - 1; i >= 0; i-- {
		if a.Is4() {
			b.WriteString(strconv.Itoa(int(raw[i])) + ".")
		} else {
			b.WriteString(strconv.FormatInt(int64(raw[i]&15), 16) + "." + strconv.FormatInt(int64(raw[i]>>4), 16) + ".")
		}
	}
	if a.Is4() {
		return b.String() + "in-addr.arpa"
	}
	return b.String() + "ip6.arpa"
}

// webHost is the name of the pages in DNS; empty where they have none there.
func webHost(cfg *config.Config) string {
	u, err := url.Parse(cfg.Web.URL)
	if err != nil || isSelf(u.Hostname()) || strings.HasSuffix(u.Hostname(), ".onion") {
		return ""
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return ""
	}
	return u.Hostname()
}

// fromDomain is the domain of mail.from.
func fromDomain(cfg config.Mail) string {
	a, err := mail.ParseAddress(cfg.From)
	if err != nil {
		return cfg.Domain
	}
	return strings.ToLower(a.Address[strings.LastIndexByte(a.Address, '@')+1:])
}

// organization is the domain that somebody has registered and that another is in, or
// that other itself.
func organization(domain string) string {
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		return domain
	}
	return registered
}

// Addresses returns the public addresses that lead to this machine by its names in DNS.
func Addresses(ctx context.Context, dns *net.Resolver, cfg *config.Config) []netip.Addr {
	for _, host := range []string{cfg.Mail.Name(), webHost(cfg)} {
		if !config.IsPublic(host) {
			continue
		}
		found, _, err := hostAddresses(ctx, dns, host)
		if public := publicOnly(found); err == nil && len(public) > 0 {
			return public
		}
	}
	return nil
}

// OwnAddresses returns the public addresses of this machine's interfaces. Behind NAT,
// and in a container, there are none.
func OwnAddresses() []netip.Addr {
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []netip.Addr
	for _, i := range interfaces {
		if prefix, err := netip.ParsePrefix(i.String()); err == nil {
			list = append(list, prefix.Addr())
		}
	}
	return publicOnly(list)
}

// carrier is what providers give to customers who share a public address (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

func publicOnly(all []netip.Addr) []netip.Addr {
	var list []netip.Addr
	for _, a := range all {
		if a = a.Unmap(); isPublic(a) {
			list = append(list, a)
		}
	}
	return list
}

func isPublic(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !carrier.Contains(a)
}
