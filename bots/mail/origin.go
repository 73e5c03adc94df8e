package mail

import (
	"context"
	"net/netip"
	"strings"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots"
	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/bots/mail/verify"
	"ticketfrei/internal/clients"
	"ticketfrei/internal/report"
)

// origin says where a report came from, or nil where its author is proven. The
// error is the answer to a mail that is not taken: whoever wrote it without
// deceit hears of it from their own server.
func (n *Network) origin(ctx context.Context, e envelope, m mailtext.Message, l letter) (*bots.Origin, error) {
	city, ok := e.reportsTo()
	if m.Skip != "" || !ok {
		return nil, nil
	}
	found := n.verifier.Check(ctx, verify.Mail{Raw: l.raw, Stream: l.stream, Author: m.Author, Sender: e.from, Client: e.client,
		Domains: n.host.Config.Mail.Taken()})
	switch found {
	case verify.Proven:
		return nil, nil
	case verify.Refused:
		return nil, n.refuse(550, smtp.EnhancedCode{5, 7, 26}, city, "mail.refused.forged") // RFC 7372 §3.4
	}
	return &bots.Origin{Client: networkOf(e.client), Domain: senderDomain(e.from)}, nil
}

// reportsTo returns the first city that the mail may be a report to.
func (e envelope) reportsTo() (report.City, bool) {
	for _, t := range e.to {
		if t.takesReports() {
			return t.city, true
		}
	}
	return report.City{}, false
}

// networkOf is what a client is counted by; empty where it is not known.
func networkOf(client netip.Addr) string {
	if network := clients.Network(client); network.IsValid() {
		return network.String()
	}
	return ""
}

// senderDomain is the domain of an envelope's sender, as it is counted.
func senderDomain(from string) string {
	_, domain, _ := strings.Cut(from[max(strings.LastIndexByte(from, '@'), 0):], "@")
	if ascii := verify.ASCII(domain); ascii != "" {
		return ascii
	}
	return domain
}
