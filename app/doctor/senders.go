package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"blitiri.com.ar/go/spf"
)

// spf looks at whether others may take mail from where ours leaves.
func (d *doctor) spf(ctx context.Context) []Result {
	list := []Result{d.spfOf(ctx, d.domain, d.domain)}
	if from := fromDomain(d.Config.Mail); from != d.domain {
		list = append(list, d.spfOf(ctx, from, from))
	}
	return list
}

func (d *doctor) spfOf(ctx context.Context, domain, sender string) Result {
	what := "SPF of " + domain
	texts, err := d.DNS.LookupTXT(ctx, rooted(domain))
	if len(texts) == 0 && err != nil && !notFound(err) {
		return unanswered(what)[0]
	}
	var records []string
	for _, text := range texts {
		if first, _, _ := strings.Cut(strings.ToLower(text), " "); first == "v=spf1" {
			records = append(records, text)
		}
	}
	switch {
	case len(records) == 0:
		return Result{Wrong, what, "there is no record: many servers refuse our mail, or take it for spam", asPrinted}
	case len(records) > 1:
		return Result{Wrong, what, "there are several records, so that others go by none", "make one of them: what stands between v=spf1 and all in each, one after the other"}
	}
	if !d.direct() {
		return d.spfOfRelay(ctx, what, sender, records[0])
	}
	return d.spfOfSources(ctx, what, sender, d.sources(ctx))
}

// spfOfRelay looks for what a relay needs.
func (d *doctor) spfOfRelay(ctx context.Context, what, sender, record string) Result {
	host := relayHost(d.Config.Mail)
	if include := includeOf(host); include != "" {
		for term := range strings.FieldsSeq(strings.ToLower(record)) {
			if term == "include:"+include || term == "redirect="+include {
				return Result{OK, what, "it names the servers of the relay (" + include + ")", ""}
			}
		}
		return Result{Wrong, what, "it does not name the servers of the relay", "add include:" + include + " to it, before all"}
	}
	addresses, err := d.lookup(ctx, host)
	if err != nil {
		return unanswered(what)[0]
	}
	result := d.spfOfSources(ctx, what, sender, addresses)
	if result.Level == Wrong { // it may send from other addresses than it takes mail at
		result.Level = Warning
		result.Todo = "ask the provider of the relay what the record must include, and add that before all"
	}
	return result
}

// spfOfSources asks as others do who get a mail from each address.
func (d *doctor) spfOfSources(ctx context.Context, what, sender string, sources []netip.Addr) Result {
	if len(sources) == 0 {
		return Result{Warning, what, "there is a record; whether it names the server cannot be seen from here", ""}
	}
	for _, a := range sources {
		result, why := spf.CheckHostWithSender(net.IP(a.AsSlice()), d.host, "postmaster@"+sender, spf.WithContext(ctx), spf.WithResolver(d.DNS))
		switch {
		case result == spf.Pass && errors.Is(why, spf.ErrMatchedAll):
			return Result{Warning, what, "it takes the whole world for our servers, so that anybody can write in our name", `end it with "-all" in place of "+all"`}
		case result == spf.TempError:
			return unanswered(what)[0]
		case result == spf.PermError:
			return Result{Wrong, what, "it cannot be understood: " + why.Error(), asPrinted}
		case result != spf.Pass:
			return Result{Wrong, what, "it does not name " + a.String() + ", from where our mail comes", asPrinted}
		}
	}
	return Result{OK, what, "it names " + joined(sources), ""}
}
