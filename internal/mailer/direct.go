package mailer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"code.dny.dev/ssrf"
)

// How many of a domain's servers are tried for one mail.
const (
	maxHosts     = 4
	maxAddresses = 3 // of each server
)

// guardedDialer refuses private, loopback and link-local addresses, because the
// domains in mail addresses come from strangers.
func guardedDialer(allowPrivate bool) net.Dialer {
	d := net.Dialer{Timeout: dialTimeout}
	if !allowPrivate {
		d.Control = ssrf.New(ssrf.WithAnyPort()).Safe
	}
	return d
}

// dialDomain connects to the first mail server of the domain that answers.
func (m *Mailer) dialDomain(ctx context.Context, domain string) (*session, error) {
	hosts, err := m.hosts(ctx, domain)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, host := range hosts {
		s, err := m.dialHost(ctx, host)
		if err == nil {
			return s, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	// If one of several servers refused for good and another did not answer,
	// the answer is still open.
	if len(errs) == 1 {
		return nil, errs[0]
	}
	return nil, fmt.Errorf("none of the mail servers of a recipient took the mail: %v", errors.Join(errs...))
}

// hosts returns the domain's mail servers, best first (RFC 5321 §5.1): those of
// its MX records, or the domain itself if it has none.
func (m *Mailer) hosts(ctx context.Context, domain string) ([]string, error) {
	records, err := m.resolver.LookupMX(ctx, domain)
	if len(records) == 0 && err != nil {
		if notFound(err) {
			return []string{domain}, nil
		}
		return nil, fmt.Errorf("look up the mail servers of a recipient: %w", reason(err))
	}
	m.unfound.remove(domain)
	slices.SortStableFunc(records, func(a, b *net.MX) int { return int(a.Pref) - int(b.Pref) })
	var hosts []string
	for _, r := range records {
		if r.Host != "." && r.Host != "" {
			hosts = append(hosts, r.Host)
		}
	}
	if len(records) > 0 && len(hosts) == 0 {
		// It takes no mail: a null MX (RFC 7505).
		return nil, &Error{Code: 556, Enhanced: "5.1.10", Stage: StageRcpt}
	}
	if len(hosts) == 0 {
		return []string{domain}, nil
	}
	return hosts[:min(len(hosts), maxHosts)], nil
}

func (m *Mailer) dialHost(ctx context.Context, host string) (*session, error) {
	addresses, err := m.resolver.LookupIPAddr(ctx, host)
	if err != nil && notFound(err) && m.unfound.add(host) {
		return nil, &Error{Code: 550, Enhanced: "5.1.2", Stage: StageRcpt}
	}
	if err != nil {
		return nil, fmt.Errorf("look up a mail server of a recipient: %w", reason(err))
	}
	m.unfound.remove(host)
	var errs []error
	addresses = interleave(addresses)
	for _, a := range addresses[:min(len(addresses), maxAddresses)] {
		s, err := m.dialAddress(ctx, a.String(), host)
		if err == nil {
			return s, nil
		}
		errs = append(errs, err)
	}
	if len(errs) == 1 {
		return nil, errs[0]
	}
	// As above: not every server need have refused for good.
	return nil, fmt.Errorf("a mail server of a recipient answers at none of its addresses: %v", errors.Join(errs...))
}

// interleave puts the addresses of the two families in turn (RFC 8305 §4), so that
// where one does not work the other is tried next.
func interleave(addresses []net.IPAddr) []net.IPAddr {
	var list, first, second []net.IPAddr
	for _, a := range addresses {
		if (a.IP.To4() == nil) == (addresses[0].IP.To4() == nil) {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	for len(first)+len(second) > 0 {
		for _, family := range []*[]net.IPAddr{&first, &second} {
			if len(*family) > 0 {
				list, *family = append(list, (*family)[0]), (*family)[1:]
			}
		}
	}
	return list
}

// dialAddress connects, with TLS if the server offers it. If the handshake
// fails, it connects without: a server without TLS would get the mail
// unencrypted as well.
func (m *Mailer) dialAddress(ctx context.Context, address, host string) (*session, error) {
	s, err := m.dialSecurity(ctx, address, host, security{})
	if errors.Is(err, errTLS) && ctx.Err() == nil {
		return m.dialSecurity(ctx, address, host, security{never: true})
	}
	return s, err
}

func (m *Mailer) dialSecurity(ctx context.Context, address, host string, sec security) (*session, error) {
	conn, err := m.dialer.DialContext(ctx, "tcp", net.JoinHostPort(address, m.port))
	if err != nil {
		return nil, fmt.Errorf("connect to a mail server of a recipient: %w", reason(err))
	}
	return m.open(ctx, conn, host, sec)
}

func notFound(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}
