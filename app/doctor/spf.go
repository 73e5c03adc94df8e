package doctor

import (
	"net/netip"
	"net/url"
	"strings"

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

// Direct tells whether mail goes to others from this machine's own address: without a
// relay, or with one on this machine or in its own network.
func Direct(cfg config.Mail) bool {
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
	case Direct(cfg):
		return "v=spf1 mx -all", "Mail comes from the mail server itself, and from nowhere else (SPF)."
	case include != "":
		return "v=spf1 mx include:" + include + " -all", "Mail comes by the relay " + host + ", and from nowhere else (SPF)."
	case numeric == nil:
		return "v=spf1 mx ip" + map[bool]string{true: "6", false: "4"}[strings.Contains(host, ":")] + ":" + host + " ~all", "Mail comes by the relay (SPF)."
	}
	return "v=spf1 mx a:" + host + " ~all",
		"Mail comes by the relay " + host + " (SPF). Ask its provider what the record must include, and write that in place of a:" + host + "."
}
