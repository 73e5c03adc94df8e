package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dmarc"

	"ticketfrei/internal/config"
)

// Hints that several checks give.
const (
	asPrinted = `set it as "ticketfrei dns" prints it; what was changed in DNS may take an hour to be seen everywhere`
	askLater  = "try again later; if it stays, look at the name servers in /etc/resolv.conf, and those of the domain"
)

// unanswered is the result of a question that DNS has not answered.
func unanswered(what string) []Result {
	return []Result{{Warning, what, "DNS does not answer, so it is not known", askLater}}
}

// rooted is a name that no search domain of the machine is added to.
func rooted(name string) string { return strings.TrimSuffix(name, ".") + "." }

// notFound tells "there is none" from "there was no answer".
func notFound(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// addresses looks at where the names of the server lead.
func (d *doctor) addresses(ctx context.Context) []Result {
	list := d.address(ctx, d.host)
	if web := webHost(d.Config); web != "" && web != d.host {
		list = append(list, d.address(ctx, web)...)
	}
	return list
}

func (d *doctor) address(ctx context.Context, host string) []Result {
	what := "address of " + host
	found, err := d.lookup(ctx, host)
	switch {
	case err != nil:
		return unanswered(what)
	case len(found) == 0:
		return []Result{{Wrong, what, "the name leads nowhere: it has neither an A nor an AAAA record", asPrinted}}
	}
	public := d.reachable(found)
	if len(public) < len(found) {
		return []Result{{Warning, what, "it leads to " + joined(found) + ", which others cannot reach", "set it to the public address of this server"}}
	}
	elsewhere := slices.DeleteFunc(slices.Clone(public), func(a netip.Addr) bool { return slices.Contains(d.Addresses, a) })
	if len(d.Addresses) > 0 && len(elsewhere) > 0 {
		return []Result{{Warning, what, "it leads to " + joined(elsewhere) + ", and this machine has " + joined(d.Addresses),
			"set it to the address of this machine, unless something in front passes connections on"}}
	}
	return []Result{{OK, what, "it leads to " + joined(found), ""}}
}

// reachable are the addresses that others can reach. With network.allow_private the
// others are in the same network.
func (d *doctor) reachable(all []netip.Addr) []netip.Addr {
	if d.Config.Network.AllowPrivate {
		return all
	}
	return publicOnly(all)
}

// lookup returns the addresses of a host.
func (d *doctor) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	list, _, err := hostAddresses(ctx, d.DNS, host)
	return list, err
}

func joined(addresses []netip.Addr) string {
	var texts []string
	for _, a := range addresses {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ", ")
}

// mx looks at where mail to the cities goes.
func (d *doctor) mx(ctx context.Context) []Result {
	list := d.mxOf(ctx, d.domain)
	for _, former := range d.Config.Mail.Domains {
		if config.IsPublic(former) {
			list = append(list, d.mxOf(ctx, former)...)
		}
	}
	return list
}

func (d *doctor) mxOf(ctx context.Context, domain string) []Result {
	what := "MX of " + domain
	records, err := d.DNS.LookupMX(ctx, rooted(domain))
	switch {
	case len(records) == 0 && err != nil && !notFound(err):
		return unanswered(what)
	case len(records) == 0:
		return []Result{{Wrong, what, "there is none: mail to the cities may not arrive", asPrinted}}
	}
	var elsewhere []string
	ours := false
	for _, r := range records {
		if host := strings.ToLower(strings.TrimSuffix(r.Host, ".")); host == d.host || d.leadsHere(ctx, host) {
			ours = true
		} else {
			elsewhere = append(elsewhere, r.Host)
		}
	}
	switch {
	case !ours:
		return []Result{{Wrong, what, "mail to the cities goes to " + strings.Join(elsewhere, ", ") + " and not to " + d.host, asPrinted}}
	case len(elsewhere) > 0:
		return []Result{{Warning, what, "mail may also go to " + strings.Join(elsewhere, ", "),
			"delete what is not this server, unless it passes mails on to it: then name its address in mail.trusted_networks"}}
	}
	if _, alias, err := hostAddresses(ctx, d.DNS, d.host); err == nil && alias != "" {
		return []Result{{Warning, what, d.host + " is but another name for " + alias + ", which an MX must not lead to (RFC 5321)", "give it an A record (and AAAA) in place of the CNAME"}}
	}
	return []Result{{OK, what, "mail to the cities goes to " + d.host, ""}}
}

// leadsHere tells whether a host has an address of the mail server.
func (d *doctor) leadsHere(ctx context.Context, host string) bool {
	found, _ := d.lookup(ctx, host)
	own, _ := d.lookup(ctx, d.host)
	return slices.ContainsFunc(found, func(a netip.Addr) bool { return slices.Contains(own, a) || slices.Contains(d.Addresses, a) })
}

// dkim compares the records with the keys.
func (d *doctor) dkim(ctx context.Context) []Result {
	if d.Keys == nil {
		return []Result{{Warning, "DKIM", "the keys are not known, so their records were not looked at",
			"the program makes them when it starts; see what is said of the database"}}
	}
	var list []Result
	for _, r := range d.Keys.Records(d.domain) {
		result := d.key(ctx, r.Name, r.Text)
		if tag(r.Text, "k") != "rsa" { // the signature that everybody knows is good without this one
			result.Level = min(result.Level, Warning)
		}
		list = append(list, result)
	}
	return list
}

// key compares the record of a key with what it should be.
func (d *doctor) key(ctx context.Context, name, want string) Result {
	what := "DKIM record " + name
	texts, err := d.DNS.LookupTXT(ctx, rooted(name))
	switch {
	case len(texts) == 0 && err != nil && !notFound(err):
		return unanswered(what)[0]
	case len(texts) == 0:
		return Result{Wrong, what, "there is none: others cannot verify this signature of our mails", asPrinted}
	case len(texts) > 1:
		return Result{Wrong, what, "there are several records", "delete all but the one that \"ticketfrei dns\" prints"}
	case tag(texts[0], "p") != tag(want, "p"):
		return Result{Wrong, what, "it holds another key than the one that mails are signed with, or only a part of it", asPrinted + "; the whole text must be there"}
	case tag(texts[0], "k") != tag(want, "k") && tag(want, "k") != "rsa": // which is what k is where it is left out
		return Result{Wrong, what, "it does not say what kind of key it holds", asPrinted}
	}
	return Result{OK, what, "it holds the key that mails are signed with", ""}
}

// tag returns a tag of a DKIM record, without the spaces that forms put into it.
func tag(text, name string) string {
	for part := range strings.SplitSeq(text, ";") {
		key, value, _ := strings.Cut(part, "=")
		if strings.TrimSpace(key) == name {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

// dmarc looks at what others are asked to do with mails that are not ours.
func (d *doctor) dmarc(ctx context.Context) []Result {
	what := "DMARC of " + d.domain
	records, err := d.policies(ctx, d.domain)
	if len(records) == 0 && err == nil && organization(d.domain) != d.domain {
		records, err = d.policies(ctx, organization(d.domain))
	}
	switch {
	case err != nil:
		return unanswered(what)
	case len(records) == 0:
		return []Result{{Warning, what, "there is no record, which large providers want from whoever sends many mails", asPrinted}}
	case len(records) > 1:
		return []Result{{Wrong, what, "there are several records, so that others go by none", "delete all but one"}}
	}
	policy, err := dmarc.Parse(records[0])
	if err != nil {
		return []Result{{Wrong, what, "the record cannot be understood: " + records[0], asPrinted}}
	}
	return []Result{{OK, what, "the policy is " + string(policy.Policy), ""}}
}

// policies are the DMARC records of a domain; having none is no error.
func (d *doctor) policies(ctx context.Context, domain string) (records []string, err error) {
	texts, err := d.DNS.LookupTXT(ctx, rooted("_dmarc."+domain))
	if err != nil && !notFound(err) {
		return nil, err
	}
	for _, text := range texts {
		if strings.HasPrefix(strings.TrimSpace(text), "v=DMARC1") {
			records = append(records, text)
		}
	}
	return records, nil
}

// alignment looks at whether account mails come from the domain that they are signed
// for (RFC 7489 §3.1).
func (d *doctor) alignment(context.Context) []Result {
	from := fromDomain(d.Config.Mail)
	if organization(from) == organization(d.domain) {
		return []Result{{OK, "setting mail.from", "account mails come from the domain that they are signed for", ""}}
	}
	return []Result{{Warning, "setting mail.from", "account mails come from " + from + ", but are signed for " + d.domain + ": others may take them for forged",
		"leave mail.from empty, or set it to an address at " + d.domain}}
}

// reverse looks at the names of the addresses that mail leaves from.
func (d *doctor) reverse(ctx context.Context) []Result {
	what := "reverse DNS (PTR)"
	if !d.direct() {
		return []Result{{OK, what, "mail leaves from the relay's address, whose name its provider sets", ""}}
	}
	sources := d.sources(ctx)
	if len(sources) == 0 {
		return []Result{{Warning, what, "the public address of this machine is not known", "have the hoster name it " + d.host}}
	}
	var list []Result
	for _, a := range sources {
		list = append(list, d.reverseOf(ctx, a))
	}
	return list
}

// maxSources bounds how many addresses are looked at.
const maxSources = 4

// sources are the addresses that mail leaves from, as far as known.
func (d *doctor) sources(ctx context.Context) []netip.Addr {
	sources := d.Addresses
	if len(sources) == 0 {
		found, _ := d.lookup(ctx, d.host)
		sources = d.reachable(found)
	}
	return sources[:min(len(sources), maxSources)]
}

func (d *doctor) reverseOf(ctx context.Context, a netip.Addr) Result {
	what := "reverse DNS (PTR) of " + a.String()
	names, err := namesOf(ctx, d.DNS, a)
	todo := "have the hoster set it to " + d.host + " (often in the panel where the server is rented)"
	switch {
	case err != nil:
		return unanswered(what)[0]
	case len(names) == 0:
		return Result{Wrong, what, "the address has no name, and large providers refuse mail from it", todo}
	case !slices.Contains(names, d.host):
		return Result{Warning, what, "its name is " + strings.Join(names, ", ") + ", and not " + d.host, todo + ", or set mail.helo to the name that it has"}
	}
	return Result{OK, what, "its name is " + d.host, ""}
}
