package doctor_test

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"ticketfrei/app/doctor"
	"ticketfrei/internal/config"
	"ticketfrei/internal/dkim"
)

var keys = sync.OnceValue(func() *dkim.Keys {
	keys, err := dkim.New()
	if err != nil {
		panic(err)
	}
	return keys
})

func settings(relay string) *config.Config {
	return &config.Config{Web: config.Web{URL: "https://www.tickets.example"},
		Mail: config.Mail{Domain: "tickets.example", Helo: "post.tickets.example", Relay: relay, From: "ticketfrei@tickets.example"}}
}

// parse reads a zone file as a name server does, and returns its records without their
// TTL; texts in one piece.
func parse(t *testing.T, zone string) []string {
	t.Helper()
	var list []string
	p := dns.NewZoneParser(strings.NewReader(zone), "", "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		h := rr.Header()
		value := strings.TrimPrefix(rr.String(), h.String())
		if txt, ok := rr.(*dns.TXT); ok {
			value = strings.Join(txt.Txt, "")
			for _, part := range txt.Txt {
				if len(part) > 255 {
					t.Errorf("%s has a string of %d bytes", h.Name, len(part))
				}
			}
		}
		list = append(list, h.Name+" "+dns.TypeToString[h.Rrtype]+" "+value)
	}
	if err := p.Err(); err != nil {
		t.Fatalf("%v\n%s", err, zone)
	}
	return list
}

func zone(t *testing.T, cfg *config.Config, addresses ...netip.Addr) string {
	t.Helper()
	var b bytes.Buffer
	if err := doctor.WriteZone(&b, doctor.Records(cfg, keys(), addresses)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestZone(t *testing.T) {
	text := zone(t, settings(""), netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7"))
	want := []string{
		"post.tickets.example. A 192.0.2.7",
		"post.tickets.example. AAAA 2001:db8::7",
		"www.tickets.example. A 192.0.2.7",
		"www.tickets.example. AAAA 2001:db8::7",
		"tickets.example. MX 10 post.tickets.example.",
		"tickets.example. TXT v=spf1 mx -all",
	}
	for _, r := range keys().Records("tickets.example") {
		want = append(want, r.Name+". TXT "+r.Text)
	}
	want = append(want, "_dmarc.tickets.example. TXT v=DMARC1; p=none")
	if got := parse(t, text); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, advice := range []string{
		"; 7.2.0.192.in-addr.arpa. 3600 IN PTR post.tickets.example.\n",
		"; 7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 3600 IN PTR post.tickets.example.\n",
		";   " + keys().Records("tickets.example")[0].Text + "\n", // to be pasted into a form
	} {
		if !strings.Contains(text, advice) {
			t.Errorf("it does not advise %q:\n%s", advice, text)
		}
	}
}

// TestZoneWithoutAddresses leaves to be filled in what is not known.
func TestZoneWithoutAddresses(t *testing.T) {
	text := zone(t, settings(""))
	for _, record := range parse(t, text) {
		if strings.Contains(record, " A ") || strings.Contains(record, " AAAA ") {
			t.Errorf("an address was made up: %s", record)
		}
	}
	for _, want := range []string{"; post.tickets.example. 3600 IN A <", "; post.tickets.example. 3600 IN AAAA <", " IN PTR post.tickets.example."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q:\n%s", want, text)
		}
	}
}

// TestZoneOfFormerDomains has cities with addresses from before: mail comes from them no more.
func TestZoneOfFormerDomains(t *testing.T) {
	cfg := settings("")
	cfg.Mail.Domains = config.Domains{"old.example", "older.example"}
	var about []string
	for _, record := range parse(t, zone(t, cfg, netip.MustParseAddr("192.0.2.7"))) {
		if strings.HasPrefix(record, "old") {
			about = append(about, record)
		}
	}
	if want := []string{"old.example. MX 10 post.tickets.example.", "older.example. MX 10 post.tickets.example."}; !slices.Equal(about, want) {
		t.Errorf("the zone has %q, want %q", about, want)
	}
}

// TestZoneWithoutTheNameOfThePages has pages whose name is not in DNS.
func TestZoneWithoutTheNameOfThePages(t *testing.T) {
	for _, address := range []string{"http://localhost:8080", "http://tickets.localhost", "http://127.0.0.1:8080", "http://abcdefghijklmnop.onion"} {
		cfg := settings("")
		cfg.Web.URL = address
		for _, record := range parse(t, zone(t, cfg, netip.MustParseAddr("192.0.2.7"))) {
			if strings.Contains(record, " A ") && !strings.HasPrefix(record, "post.tickets.example. ") {
				t.Errorf("%s: %s", address, record)
			}
		}
	}
}

func TestSenderPolicy(t *testing.T) {
	for relay, want := range map[string]string{
		"":                                 "v=spf1 mx -all",
		"smtp://localhost:2525":            "v=spf1 mx -all",
		"smtp://10.0.0.5":                  "v=spf1 mx -all",
		"smtp://me:pw@smtp.eu.mailgun.org": "v=spf1 mx include:mailgun.org -all",
		"smtps://me:pw@email-smtp.eu-central-1.amazonaws.com": "v=spf1 mx include:amazonses.com -all",
		"smtp://me:pw@Smtp-Relay.Brevo.com:587":               "v=spf1 mx include:spf.brevo.com -all",
		"smtps://me:pw@smtp.mailbox.org":                      "v=spf1 mx include:mailbox.org -all",
		"smtps://me:pw@smtp.gmail.com":                        "v=spf1 mx include:_spf.google.com -all",
		"smtps://me:pw@mail.verein.example":                   "v=spf1 mx a:mail.verein.example ~all",
		"smtps://me:pw@192.0.2.9":                             "v=spf1 mx ip4:192.0.2.9 ~all",
		"smtps://me:pw@[2001:db8::9]":                         "v=spf1 mx ip6:2001:db8::9 ~all",
		"smtps://me:pw@notmailgun.org":                        "v=spf1 mx a:notmailgun.org ~all",
	} {
		text := zone(t, settings(relay))
		if !slices.Contains(parse(t, text), "tickets.example. TXT "+want) {
			t.Errorf("%s: no %q:\n%s", relay, want, text)
		}
		if strings.Contains(text, "pw") && strings.Contains(text, "me:") {
			t.Errorf("%s: the login is shown:\n%s", relay, text)
		}
	}
	cfg := settings("smtps://me:pw@smtp.mailbox.org")
	cfg.Mail.From = "tickets@verein.example"
	if text := zone(t, cfg); !strings.Contains(text, `; verein.example. 3600 IN TXT "v=spf1 mx:post.tickets.example include:mailbox.org -all"`) {
		t.Errorf("nothing is said of the domain that account mails come from:\n%s", text)
	}
}
