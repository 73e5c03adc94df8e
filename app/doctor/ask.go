package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// resolvConf names the machine's name servers.
const resolvConf = "/etc/resolv.conf"

// ask puts a question to the name servers. net.Resolver looks into /etc/hosts first,
// which others do not have, and where this machine's own name often leads to itself.
// A name that does not exist has no records.
func ask(ctx context.Context, r *net.Resolver, name string, kind uint16) ([]dns.RR, error) {
	servers, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		if r.Dial == nil {
			return nil, fmt.Errorf("name servers: %w", err)
		}
		servers = &dns.ClientConfig{Servers: []string{"127.0.0.1"}, Port: "53"}
	}
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	for _, server := range servers.Servers {
		var answer *dns.Msg
		if answer, err = exchange(ctx, r, question, net.JoinHostPort(server, servers.Port)); err != nil {
			continue
		}
		if answer.Rcode == dns.RcodeSuccess || answer.Rcode == dns.RcodeNameError {
			return answer.Answer, nil
		}
		err = fmt.Errorf("the name server answers %s", dns.RcodeToString[answer.Rcode])
	}
	return nil, err
}

// exchange asks one server, again by TCP if the answer is too long for a packet.
func exchange(ctx context.Context, r *net.Resolver, question *dns.Msg, server string) (answer *dns.Msg, err error) {
	dial := r.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	for _, network := range []string{"udp", "tcp"} {
		conn, err := dial(ctx, network, server)
		if err != nil {
			return nil, err
		}
		answer, _, err = new(dns.Client).ExchangeWithConnContext(ctx, question, &dns.Conn{Conn: conn})
		conn.Close()
		if err != nil || !answer.Truncated {
			return answer, err
		}
	}
	return answer, nil
}

// hostAddresses returns the addresses of a host, in the order of their numbers, and
// the other name where it is but an alias.
func hostAddresses(ctx context.Context, r *net.Resolver, host string) (list []netip.Addr, alias string, err error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, "", nil
	}
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		records, err := ask(ctx, r, host, kind)
		if err != nil {
			return nil, "", err
		}
		for _, record := range records {
			switch rr := record.(type) {
			case *dns.A:
				list = appendIP(list, rr.A)
			case *dns.AAAA:
				list = appendIP(list, rr.AAAA)
			case *dns.CNAME:
				alias = strings.TrimSuffix(rr.Target, ".")
			}
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list), alias, nil
}

func appendIP(list []netip.Addr, ip net.IP) []netip.Addr {
	if a, ok := netip.AddrFromSlice(ip); ok {
		return append(list, a.Unmap())
	}
	return list
}

// namesOf returns the names that an address has in DNS, in lower case.
func namesOf(ctx context.Context, r *net.Resolver, a netip.Addr) (names []string, err error) {
	records, err := ask(ctx, r, reverseName(a), dns.TypePTR)
	for _, record := range records {
		if rr, ok := record.(*dns.PTR); ok {
			names = append(names, strings.ToLower(strings.TrimSuffix(rr.Ptr, ".")))
		}
	}
	return names, err
}
