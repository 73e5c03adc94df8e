package mail

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/mailer/mailertest"
)

// reportOf is a mail of a rider to Nuremberg.
func reportOf(author string) string {
	return crlf("From: Anna <" + author + ">\nTo: nuernberg@" + domain + "\nMessage-ID: <1." + author + ">\nSubject: U1\n\nPlärrer, 2 Kontis\n")
}

// origins are where the reports came from since the last call.
func (b *bench) origins() (list []*bots.Origin) {
	for _, h := range b.take() {
		list = append(list, h.In.Unverified)
	}
	return list
}

// From alone proves nothing: whoever wants to write in somebody's name needs the
// signature of their domain.
func TestAuthorsAreVerified(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	riders := mailertest.NewSigner(t, b.names, "riders.example")
	evil := mailertest.NewSigner(t, b.names, "evil.example")
	signed := string(riders.Sign([]byte(reportOf("anna@riders.example"))))
	for _, c := range []struct {
		name, envelope, mail string
		want                 *bots.Origin
	}{
		{"signed", "anna@riders.example", signed, nil},
		{"signed, by way of another server", "bounces@Forward.example", signed, nil},
		{"not signed", "anna@riders.example", reportOf("anna@riders.example"), &bots.Origin{Domain: "riders.example"}},
		{"signed by a forger", "x@evil.example", string(evil.Sign([]byte(reportOf("anna@riders.example")))), &bots.Origin{Domain: "evil.example"}},
		{"changed", "x@EVIL.example", strings.Replace(signed, "2 Kontis", "alles frei", 1), &bots.Origin{Domain: "evil.example"}},
		{"an umlaut", "x@BÖSE.example", reportOf("anna@riders.example"), &bots.Origin{Domain: "xn--bse-sna.example"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			d := dial(t, b.smtp).greet()
			d.say("MAIL FROM:<"+c.envelope+"> SMTPUTF8", "250 ")
			d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
			d.say("DATA", "354 ")
			d.write(dotted(c.mail))
			if got := d.multi(); !strings.HasPrefix(got, "250 ") {
				t.Fatal(got)
			}
			if diff := cmp.Diff([]*bots.Origin{c.want}, b.origins()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Where the client can be seen, its network is counted, servers of the author's
// domain prove the author, and a domain may ask for a refusal.
func TestClientsAreSeen(t *testing.T) {
	b := newBench(t, nil)
	city, bot := b.city("nuernberg")
	city.Language = "de"
	dbtest.MustCreateCity(t, b.db, "fuerth", Name)
	b.names.TXT("riders.example", "v=spf1 ip4:192.0.2.0/24 -all")
	b.names.TXT("_dmarc.strict.example", "v=DMARC1; p=reject")
	report := target{city: city, bot: bot}
	for _, c := range []struct {
		name, author, client string
		to                   target
		want                 []*bots.Origin // nil where nothing is heard
		answer               string         // of the server; "" where it takes the mail
	}{
		{"a server of the domain", "anna@riders.example", "192.0.2.7", report, []*bots.Origin{nil}, ""},
		{"another server", "anna@riders.example", "198.51.100.9", report, []*bots.Origin{{Client: "198.51.100.9/32", Domain: "riders.example"}}, ""},
		{"another server, by IPv6", "anna@riders.example", "2001:db8:1:2::3", report, []*bots.Origin{{Client: "2001:db8:1:2::/64", Domain: "riders.example"}}, ""},
		{"a domain that asks for a refusal", "anna@strict.example", "198.51.100.9", report, nil, "550 Nichts zeigt"},
		{"what is no report", "anna@strict.example", "198.51.100.9", target{operator: postmaster}, nil, ""},
		{"a bounce", "mailer-daemon@strict.example", "198.51.100.9", target{city: city, bot: bot, bounceOf: 7}, nil, ""},
		{"a report to the address for bounces", "anna@strict.example", "198.51.100.9", target{city: city, bot: bot, bounceOf: 7}, nil, "550 Nichts zeigt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := envelope{client: netip.MustParseAddr(c.client), from: c.author, to: []target{c.to}}
			err := b.network.accept(t.Context(), e, letter{raw: []byte(reportOf(c.author))})
			answer := ""
			if refused, ok := err.(*smtp.SMTPError); ok {
				answer = refused.Error()
			}
			if !strings.Contains(answer, strings.TrimPrefix(c.answer, "550 ")) || (c.answer == "") != (err == nil) {
				t.Errorf("answered %v, want %q", err, c.answer)
			}
			if diff := cmp.Diff(c.want, b.origins()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A forged From moves nobody: there is nothing that can be asked for by mail, and
// bounces count where only the subscriber's server can send them to.
func TestNobodyIsUnsubscribedByMail(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	const subscriber = "anna@riders.example"
	b.mustSubscribe(bot, subscriber)
	forged := func(subject, text string) string {
		return "From: <" + subscriber + ">\nTo: nuernberg@" + domain + "\nSubject: " + subject + "\n\n" + text + "\n"
	}
	for range maxStrikes {
		for _, to := range []string{"nuernberg", "nuernberg+unsubscribe", "nuernberg+b.1.aaaaaaaaaaaaaaaa"} {
			for _, from := range []string{subscriber, ""} {
				b.send(from, []string{to + "@" + domain}, forged("unsubscribe", "STOP"))
				b.send(from, []string{to + "@" + domain}, forged("Abmelden", "/stop"))
				b.send(from, []string{to + "@" + domain}, strings.ReplaceAll(deliveryReport("failed", "5.1.1"), "rider@example.org", subscriber))
			}
		}
	}
	if diff := cmp.Diff([]string{subscriber}, b.subscribers(bot)); diff != "" {
		t.Errorf("subscribers -want +got:\n%s", diff)
	}
	for _, h := range b.take() {
		if h.In.Unverified == nil {
			t.Errorf("taken for the subscriber's: %+v", h.In)
		}
	}
	b.noAccountMail()
}
