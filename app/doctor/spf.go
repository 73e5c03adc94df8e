package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"blitiri.com.ar/go/spf"

	"ticketfrei/internal/config"
)

// includes are what the SPF record needs for well-known relays, by the end of the
// relay's name. Each comes from the provider's own help pages on SPF.
var includes = map[string]string{
	"mailgun.org":         "mailgun.org",                // documentation.mailgun.com, "Domain verification"
	"amazonaws.com":       "amazonses.com",              // docs.aws.amazon.com/ses, "Using a custom MAIL FROM domain"
	"postmarkapp.com":     "spf.mtasv.net",              // postmarkapp.com/support, "SPF"
	"brevo.com":           "spf.brevo.com",              // help.brevo.com, "Authenticate your domain"
	"sendinblue.com":      "spf.brevo.com",              // the former name of Brevo
	"mailjet.com":         "spf.mailjet.com",            // documentation.mailjet.com, "Authenticating domains with SPF and DKIM"
	"sendgrid.net":        "sendgrid.net",               // sendgrid.com/docs, "SPF records"
	"gmail.com":           "_spf.google.com",            // support.google.com/a, "Set up SPF"
	"google.com":          "_spf.google.com",            // the same
	"office365.com":       "spf.protection.outlook.com", // learn.microsoft.com, "Set up SPF"
	"outlook.com":         "spf.protection.outlook.com", // the same
	"ionos.de":            "_spf-eu.ionos.com",          // ionos.de/hilfe, "IONOS SPF"
	"ionos.com":           "_spf-us.ionos.com",          // ionos.com/help, "IONOS SPF"
	"strato.de":           "_spf.strato.com",            // strato.de/faq, "SPF"
	"kasserver.com":       "spf.kasserver.com",          // all-inkl.com, "SPF"
	"ovh.net":             "mx.ovh.com",                 // help.ovhcloud.com, "SPF record"
	"infomaniak.com":      "spf.infomaniak.ch",          // infomaniak.com/support, "SPF"
	"migadu.com":          "spf.migadu.com",             // migadu.com/guides, "DNS"
	"mailbox.org":         "mailbox.org",                // kb.mailbox.org, "SPF, DKIM and DMARC"
	"messagingengine.com": "spf.messagingengine.com",    // fastmail.help, "SPF"
	"fastmail.com":        "spf.messagingengine.com",    // the same
	"gandi.net":           "_mailcust.gandi.net",        // docs.gandi.net, "SPF"
	"protonmail.ch":       "_spf.protonmail.ch",         // proton.me/support, "Anti-spoofing"
	"smtp2go.com":         "spf.smtp2go.com",            // support.smtp2go.com, "SPF"
	"uberspace.de":        "spf.uberspace.de",           // manual.uberspace.de, "Mail domains"
}

// relayHost is the name of the relay; empty where there is none.
func relayHost(cfg config.Mail) string {
	u, err := url.Parse(cfg.Relay)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// isDirect tells whether mail goes to others from this machine's own address: without a
// relay, or with one on this machine or in its own network.
func isDirect(cfg config.Mail) bool {
	host := relayHost(cfg)
	return host == "" || !config.IsPublic(host)
}

// includeOf returns what the SPF record must include for a relay; empty where that is
// not known.
func includeOf(host string) string {
	for name := host; name != ""; _, name, _ = strings.Cut(name, ".") {
		if include := includes[name]; include != "" {
			return include
		}
	}
	return ""
}

// spfRecord is the SPF record for mails of the cities, and why it is so.
func spfRecord(cfg config.Mail) (text, why string) {
	host := relayHost(cfg)
	include := includeOf(host)
	_, numeric := netip.ParseAddr(host)
	switch {
	case isDirect(cfg):
		return "v=spf1 mx -all", "Mail comes from the mail server itself, and from nowhere else (SPF)."
	case include != "":
		return "v=spf1 mx include:" + include + " -all", "Mail comes by the relay " + host + ", and from nowhere else (SPF)."
	case numeric == nil:
		return "v=spf1 mx ip" + map[bool]string{true: "6", false: "4"}[strings.Contains(host, ":")] + ":" + host + " ~all", "Mail comes by the relay (SPF)."
	}
	return "v=spf1 mx a:" + host + " ~all",
		"Mail comes by the relay " + host + " (SPF). Ask its provider what the record must include, and write that in place of a:" + host + "."
}

// spf looks at whether others may take mail from where ours leaves.
func (d *doctor) spf(ctx context.Context) []Result {
	list := []Result{d.spfOf(ctx, d.domain)}
	if from := fromDomain(d.Config.Mail); from != d.domain {
		list = append(list, d.spfOf(ctx, from))
	}
	return list
}

func (d *doctor) spfOf(ctx context.Context, domain string) Result {
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
		return d.spfOfRelay(ctx, what, domain, records[0])
	}
	return d.spfOfSources(ctx, what, domain, d.sources(ctx))
}

// spfOfRelay looks for what a relay needs.
func (d *doctor) spfOfRelay(ctx context.Context, what, domain, record string) Result {
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
	result := d.spfOfSources(ctx, what, domain, addresses)
	if result.Level == Wrong { // it may send from other addresses than it takes mail at
		result.Level = Warning
		result.Todo = "ask the provider of the relay what the record must include, and add that before all"
	}
	return result
}

// spfOfSources asks as others do who get a mail from each address.
func (d *doctor) spfOfSources(ctx context.Context, what, domain string, sources []netip.Addr) Result {
	if len(sources) == 0 {
		return Result{Warning, what, "there is a record; whether it names the server cannot be seen from here", ""}
	}
	for _, a := range sources {
		result, why := spf.CheckHostWithSender(net.IP(a.AsSlice()), d.host, "postmaster@"+domain, spf.WithContext(ctx), spf.WithResolver(d.DNS))
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
