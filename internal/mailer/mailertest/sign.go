package mailertest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"ticketfrei/internal/dnstest"
)

// Signer signs the mails of a domain, as its mail server does.
type Signer struct {
	tb     testing.TB
	domain string
	key    ed25519.PrivateKey
}

// NewSigner makes a key for a domain and publishes it on a name server.
func NewSigner(tb testing.TB, names *dnstest.Server, domain string) *Signer {
	tb.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	names.TXT("test._domainkey."+domain, "v=DKIM1; k=ed25519; p="+base64.StdEncoding.EncodeToString(public))
	return &Signer{tb, domain, key}
}

// Sign returns a mail with a signature of the domain (DKIM).
func (s *Signer) Sign(mail []byte) []byte {
	s.tb.Helper()
	var signed bytes.Buffer
	err := dkim.Sign(&signed, bytes.NewReader(mail), &dkim.SignOptions{Domain: s.domain, Selector: "test", Signer: s.key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed})
	if err != nil {
		s.tb.Fatal(err)
	}
	return signed.Bytes()
}
