// Package verify finds out whether a mail was written by who is named in From,
// which anybody can write into a mail. It has one door, Verifier.Check.
//
// A domain vouches for a mail by signing it (DKIM, RFC 6376) or by listing the
// servers that send its mail (SPF, RFC 7208), and says what is enough (DMARC,
// RFC 7489). header.go reads what the reader of mails reads, and refuses what
// could be read in two ways; dkim.go and spf.go ask who vouches, policy.go what
// the domain says, dns.go bounds what is asked.
package verify

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"time"
)

const (
	// deadline bounds all questions about one mail: its server waits for us.
	deadline = 5 * time.Second
	// maxChecks is how many mails are asked about at the same time: each may
	// hold two sockets. maxChecksEach is how many of them are of one owner of
	// domains: one whose name servers do not answer does not keep others waiting.
	maxChecks     = 64
	maxChecksEach = 8
)

// Mail is a mail whose author is to be proven.
type Mail struct {
	Raw    []byte // as it came; of one that was streamed, its header is enough
	Author string // the address in From as its reader read it, in lower case
	Sender string // of the envelope
	// Client is the server that brought it; the zero Addr where that cannot be
	// known.
	Client netip.Addr
	// Domains are those of our addresses, in lower case.
	Domains []string
	// Stream is what its body was written to, closed; nil where Raw holds the body.
	Stream *Stream
}

// Result is what was found out about a mail.
type Result int

const (
	// Unproven: Author may have written it or not.
	Unproven Result = iota
	// Proven: the domain of Author vouches for it.
	Proven
	// Refused: the domain of Author does not vouch for it, and asks everybody to
	// refuse such mails.
	Refused
)

// Verifier checks mails. It is safe for use by many goroutines.
type Verifier struct {
	resolver Resolver
	log      *slog.Logger
	turns    *turns
}

// New returns a Verifier that asks r.
func New(r Resolver, log *slog.Logger) *Verifier {
	return &Verifier{resolver: r, log: log, turns: newTurns(maxChecks, maxChecksEach)}
}

// Check says whether the author of a mail is proven. It takes 5 s at most. What
// cannot be found out, and a mail that is too much work, is Unproven.
func (v *Verifier) Check(ctx context.Context, m Mail) (result Result) {
	defer func() {
		if v.recovered(recover()) {
			result = Unproven
		}
	}()
	h, body, ok := readHeader(m.Raw)
	if !ok || !m.Client.IsValid() && !h.has(signatureField) {
		return Unproven
	}
	c := v.newCheck(m, h)
	if c == nil || len(c.signatures) == 0 && !m.Client.IsValid() {
		return Unproven // as nothing could prove it
	}
	c.body = body
	return v.ask(ctx, c)
}

// newCheck returns the check of a mail with a header, or nil where the header does
// not say clearly who wrote it.
func (v *Verifier) newCheck(m Mail, h header) *check {
	domain := h.authorDomain(m.Author)
	if domain == "" || !h.clear() {
		return nil
	}
	c := &check{mail: m, header: h, domain: domain, organization: organization(domain)}
	c.signatures = c.nearSignatures()
	return c
}

// recovered logs what a goroutine panicked with, and says whether it did.
func (v *Verifier) recovered(p any) bool {
	if p != nil {
		// What it panicked with may hold what stands in the mail.
		v.log.Error("mail server: a panic while the author of a mail was checked", "kind", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	}
	return p != nil
}

// ask runs a check that needs the DNS.
func (v *Verifier) ask(ctx context.Context, c *check) Result {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	leave, ok := v.turns.enter(ctx, cmp.Or(c.organization, c.domain))
	if !ok {
		return Unproven
	}
	defer leave()
	c.dns = &questions{resolver: v.resolver, left: maxQuestions}
	return c.run(ctx)
}

// check is one mail that is being checked.
type check struct {
	mail         Mail
	header       header
	body         []byte
	domain       string // in From, in ASCII
	organization string // that owns it; "" where it is nobody's
	signatures   []int  // those that may prove it, by their place in the header
	dns          *questions
	// doubt: the mail may be what it says, though it is not proven.
	doubt bool
}

// run asks who vouches for the mail. What the domain says of itself is asked only
// where it matters.
func (c *check) run(ctx context.Context) Result {
	signer := c.signer(ctx)
	if signer == sameDomain {
		return Proven
	}
	server := c.server(ctx)
	if server == sameDomain {
		return Proven
	}
	if signer == nobody && !c.mail.Client.IsValid() {
		return Unproven
	}
	p, err := c.policy(ctx)
	switch {
	case err != nil:
		return Unproven
	case signer == sameOrganization && !p.strictDKIM, server == sameOrganization && !p.strictSPF:
		return Proven
	case p.reject && c.mail.Client.IsValid() && !c.doubt && !c.dns.unanswered:
		return Refused
	}
	return Unproven
}
