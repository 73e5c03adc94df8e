package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
)

// mailServer looks at the program's own mail server, from this machine.
func (d *doctor) mailServer(ctx context.Context) []Result {
	listen := d.Config.Mail.Listen
	what := "mail server at " + listen
	g, err := greet(ctx, localAddress(listen), "localhost")
	switch {
	case err != nil && !d.running():
		return []Result{{Warning, what, "it does not run", `start the program ("ticketfrei serve") and look again`}}
	case err != nil:
		return []Result{{Wrong, what, "the program runs, but here it does not take mail: " + plain(err), "look into the log"}}
	case g.name != d.host:
		return []Result{{Wrong, what, "another mail server answers there: " + g.name, "stop it, or set mail.listen to another address"}}
	case g.certificate == nil:
		return []Result{{Warning, what, "it offers no encryption (STARTTLS)", "look into the log, which says why it has no certificate"}}
	}
	return []Result{{OK, what, "it answers and offers encryption", ""}, d.mailCertificate(g)}
}

// mailCertificate looks at what the mail server shows. One that the program has signed
// itself is enough for other mail servers.
func (d *doctor) mailCertificate(g greeting) Result {
	const what = "certificate of the mail server"
	left := g.certificate.NotAfter.Sub(d.Now())
	todo := "renew what mail.tls_cert and mail.tls_key name"
	if d.Config.Mail.TLSCert == "" {
		todo = "look into the log, which says why it was not renewed"
	}
	switch {
	case left <= 0:
		return Result{Wrong, what, "it has ended on " + g.certificate.NotAfter.Format(time.DateOnly), todo}
	case left < soon:
		return Result{Warning, what, "it ends in " + days(left), todo}
	case d.Config.Mail.TLSCert != "" && g.certificate.VerifyHostname(d.host) != nil:
		return Result{Warning, what, "it is not for " + d.host, "get one for that name, which the MX record leads to"}
	}
	return Result{OK, what, "it is good for another " + days(left), ""}
}

// soon is how long before its end a certificate should have been renewed.
const soon = 14 * 24 * time.Hour

func days(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }

// portIn connects to the mail server by its name in DNS, as others do.
func (d *doctor) portIn(ctx context.Context) []Result {
	what := "port " + d.SMTPPort + " of " + d.host
	addresses, err := d.lookup(ctx, d.host)
	if err != nil || len(addresses) == 0 {
		return []Result{{Warning, what, "not tried, since the name leads nowhere", ""}}
	}
	g, err := d.greetAny(ctx, d.host)
	const other = `from another network try: nc -v `
	todo := "have port " + d.SMTPPort + " lead to mail.listen (" + d.Config.Mail.Listen + "), through firewall and container"
	switch {
	case err != nil && !listens(ctx, d.Config.Mail.Listen):
		return []Result{{Warning, what, "nobody answers, since the mail server does not run", `start the program ("ticketfrei serve") and look again`}}
	case err != nil && slices.ContainsFunc(addresses, func(a netip.Addr) bool { return slices.Contains(d.Addresses, a) }):
		return []Result{{Wrong, what, plain(err), todo}}
	case err != nil:
		return []Result{{Warning, what, "seen from here: " + plain(err) + "; some routers do not lead back to where one is", todo + "; " + other + d.host + " " + d.SMTPPort}}
	case g.name != d.host && len(d.Config.Mail.TrustedNetworks) > 0:
		return []Result{{OK, what, g.name + " answers, which may be your relay in front", ""}}
	case g.name != d.host:
		return []Result{{Wrong, what, "another mail server answers: " + g.name, todo}}
	}
	return []Result{{OK, what, "it answers, seen from this machine; only a connection from outside proves that others get through (" + other + d.host + " " + d.SMTPPort + ")", ""}}
}

// greetAny connects to the first address of a host that answers.
func (d *doctor) greetAny(ctx context.Context, host string) (g greeting, err error) {
	addresses, err := d.lookup(ctx, host)
	if err == nil && len(addresses) == 0 {
		err = errors.New("the name leads nowhere")
	}
	for _, a := range addresses {
		if g, err = greet(ctx, net.JoinHostPort(a.String(), d.SMTPPort), d.host); err == nil {
			return g, nil
		}
	}
	return greeting{}, err
}

// portOut tries whether mail can leave, where it goes to each recipient's server.
func (d *doctor) portOut(ctx context.Context) []Result {
	if d.Config.Mail.Relay != "" {
		return nil
	}
	to := d.To
	if from := fromDomain(d.Config.Mail); to == "" && from != d.domain && config.IsPublic(from) {
		to = from
	}
	what := "port " + d.SMTPPort + " outwards"
	if to == "" {
		return []Result{{Warning, what, "not tried: mail goes directly to each recipient's server, and no other was named",
			`name a domain with a mail server: ticketfrei doctor --to DOMAIN`}}
	}
	host, err := d.mailHost(ctx, to)
	if err != nil {
		return []Result{{Warning, what, "not tried: " + to + " has no mail server in DNS", "name another: ticketfrei doctor --to DOMAIN"}}
	}
	if _, err := d.greetAny(ctx, host); err != nil {
		return []Result{{Wrong, what, host + " (for " + to + "): " + plain(err),
			"many hosters close port 25 outwards: ask them to open it, or send through a mail provider (setting mail.relay)"}}
	}
	return []Result{{OK, what, host + " (for " + to + ") answers", ""}}
}

// mailHost is the first mail server of a domain.
func (d *doctor) mailHost(ctx context.Context, domain string) (string, error) {
	records, err := d.DNS.LookupMX(ctx, rooted(domain))
	switch {
	case len(records) > 0 && records[0].Host != ".":
		return strings.TrimSuffix(records[0].Host, "."), nil
	case len(records) > 0:
		return "", errors.New("it takes no mail") // RFC 7505
	case err != nil && !notFound(err):
		return "", err
	}
	if found, err := d.lookup(ctx, domain); err != nil || len(found) == 0 {
		return "", errors.Join(err, errors.New("it has no address"))
	}
	return domain, nil
}

// relay asks the relay whether it would take our mails. None is sent.
func (d *doctor) relay(ctx context.Context) []Result {
	if err := mailer.CheckPassword(d.Config.Mail); err != nil {
		found, todo, _ := strings.Cut(err.Error(), "; ")
		return []Result{{Wrong, "relay", found, todo}}
	}
	host := relayHost(d.Config.Mail)
	senders := []string{d.Config.Mail.From}
	if d.Sender != "" {
		senders = append(senders, d.Sender)
	}
	var list []Result
	for _, sender := range senders {
		encrypted, err := d.Mailer.Probe(ctx, sender, d.Config.Mail.From)
		what := "relay " + host
		if err != nil {
			return append(list, d.refused(what, sender, err))
		}
		if len(list) == 0 {
			list = append(list, d.encrypted(what, encrypted))
		}
		list = append(list, Result{OK, what, "it would take mail from " + sender + " (none was sent)", ""})
	}
	return list
}

func (d *doctor) encrypted(what string, encrypted bool) Result {
	switch {
	case encrypted:
		return Result{OK, what, "it answers, encrypted", ""}
	case d.direct():
		return Result{OK, what, "it answers, in your own network", ""}
	}
	return Result{Warning, what, "mails go to it unencrypted, as it offers no TLS", "use smtps:// if the provider has it, or another relay"}
}

// refused says what a refusal of the relay means, and what to do.
func (d *doctor) refused(what, sender string, err error) Result {
	answer, ok := errors.AsType[*mailer.Error](err)
	switch {
	case ok:
	case mailer.NoTLS(err):
		return Result{Wrong, what, err.Error(), "write the relay's name in mail.relay as its certificate has it, and smtps:// only for a port that begins with TLS (mostly 465)"}
	default:
		return Result{Wrong, what, err.Error(), "check host and port in mail.relay, and whether this machine's hoster lets it out there"}
	}
	r := Result{Wrong, what, answer.Error(), ""}
	if !answer.Permanent() {
		r.Level = Warning
	}
	switch answer.Stage {
	case mailer.StageConnect:
		r.Todo = "ask the provider why it refuses this machine"
	case mailer.StageAuth:
		r.Todo = "check user and password in mail.relay (special characters as %XX) or mail.relay_password_file"
	case mailer.StageMail:
		r.Found += ", for " + sender
		r.Todo = "have the provider allow " + d.domain + " as a sender's domain, and check the login in mail.relay"
	default:
		r.Found += ", for a mail to " + d.Config.Mail.From
		r.Todo = "if it says that it relays nothing, it wants a login: put user and password into mail.relay"
	}
	return r
}
