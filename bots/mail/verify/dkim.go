package verify

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// signatureField is the field of a signature.
const signatureField = "dkim-signature"

const (
	// maxSignatures is how many are checked for one mail.
	maxSignatures = 5
	// maxSigned is how many fields one signature may name.
	maxSigned = 100
)

// nearSignatures returns where the signatures of domains stand that may vouch for
// the mail. Those of mailing lists and of mail services are left out.
func (c *check) nearSignatures() (places []int) {
	for i, f := range c.header {
		if f.name != signatureField || c.near(signingDomain(f)) == nobody {
			continue
		}
		if len(places) == maxSignatures || bytes.Count(f.raw, []byte(":")) > maxSigned {
			c.doubt = true
			continue
		}
		places = append(places, i)
	}
	return places
}

// signingDomain returns the domain that a signature names (RFC 6376 §3.5, d=).
func signingDomain(f field) string {
	for tag := range strings.SplitSeq(f.value(), ";") {
		if name, value, _ := strings.Cut(tag, "="); strings.TrimSpace(name) == "d" {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

// signer returns how near the nearest is whose signature holds.
func (c *check) signer(ctx context.Context) (nearest nearness) {
	for _, place := range c.signatures {
		if nearest == sameDomain || ctx.Err() != nil {
			break
		}
		nearest = max(nearest, c.signature(ctx, place))
	}
	return nearest
}

// signature returns how near the one is who made a signature, where it proves
// that the mail was written to us. What was written to others can be sent to us
// by any of them, as often as they like.
func (c *check) signature(ctx context.Context, place int) nearness {
	found := c.verification(ctx, place)
	if found == nil {
		return nobody
	}
	if !c.isForUs(found.HeaderKeys) {
		c.doubt = true
		return nobody
	}
	return c.near(found.Domain)
}

// verification returns what is known of a signature that holds, or nil.
func (c *check) verification(ctx context.Context, place int) *dkim.Verification {
	if c.mail.Stream != nil {
		signature := c.mail.Stream.at(place)
		c.dns.unanswered = c.dns.unanswered || signature.unanswered
		return signature.found
	}
	mail := io.MultiReader(bytes.NewReader(c.signedBy(place)), bytes.NewReader(c.body))
	return verified(mail, func(name string) ([]string, error) { return c.dns.LookupTXT(ctx, name) })
}

// verified returns what is known of the only signature of a mail if it holds, or nil.
func verified(mail io.Reader, look func(name string) ([]string, error)) *dkim.Verification {
	list, err := dkim.VerifyWithOptions(mail, &dkim.VerifyOptions{LookupTXT: look})
	if err != nil || len(list) != 1 || list[0].Err != nil {
		return nil
	}
	return list[0]
}

// signedBy returns the header with one signature alone: together the library would
// check them in goroutines, where a panic ends the program.
func (c *check) signedBy(place int) []byte {
	var header []byte
	for i, f := range c.header {
		if i == place || f.name != signatureField {
			header = append(header, f.raw...)
		}
	}
	return append(header, "\r\n"...)
}

// isForUs says whether the fields that are signed hold what we read in the mail,
// and an address of ours.
func (c *check) isForUs(signed []string) bool {
	covers := func(name string) bool {
		return slices.ContainsFunc(signed, func(s string) bool { return strings.EqualFold(s, name) })
	}
	if c.header.has("subject") && !covers("subject") {
		return false
	}
	for _, name := range []string{"to", "cc"} {
		for _, address := range c.header.addresses(name) {
			_, domain, _ := strings.Cut(address, "@")
			if covers(name) && slices.Contains(c.mail.Domains, domain) {
				return true
			}
		}
	}
	return false
}
