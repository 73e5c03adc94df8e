package verify

import (
	"context"

	"github.com/emersion/go-msgauth/dmarc"
)

// policy is what a domain asks of those who take its mail.
type policy struct {
	strictDKIM, strictSPF bool // only the domain itself may vouch
	reject                bool // what nobody vouches for is to be refused
}

// policy asks for the domain's record, and where it has none for that of its
// organization (RFC 7489 §6.6.3). A record that cannot be read is none. The error
// says that the answer may come later.
func (c *check) policy(ctx context.Context) (policy, error) {
	look := &dmarc.LookupOptions{LookupTXT: func(name string) ([]string, error) { return c.dns.LookupTXT(ctx, name) }}
	record, err := dmarc.LookupWithOptions(c.domain, look)
	inherited := err != nil && !dmarc.IsTempFail(err) && c.organization != "" && c.organization != c.domain
	if inherited {
		record, err = dmarc.LookupWithOptions(c.organization, look)
	}
	if dmarc.IsTempFail(err) {
		return policy{}, err
	}
	if err != nil {
		return policy{}, nil
	}
	asked := record.Policy
	if inherited && record.SubdomainPolicy != "" {
		asked = record.SubdomainPolicy
	}
	return policy{
		strictDKIM: record.DKIMAlignment == dmarc.AlignmentStrict,
		strictSPF:  record.SPFAlignment == dmarc.AlignmentStrict,
		reject:     asked == dmarc.PolicyReject && (record.Percent == nil || *record.Percent == 100),
	}, nil
}
