// Package dkim has the keys that mails of the program are signed with (RFC 6376,
// RFC 8463), and what DNS must say about them.
package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// rsaBits is the length that every verifier takes (RFC 8301 §3.2), and of which the
// record fits into the DNS of every provider.
const rsaBits = 2048

// Keys are a pair of keys: RSA, which everybody verifies, and Ed25519.
type Keys struct {
	rsa     key
	ed25519 key
}

// key is one key with its name in DNS.
type key struct {
	crypto.Signer
	selector string
	record   string // the text of the TXT record
}

// New makes keys, which takes a processor a while.
func New() (*Keys, error) {
	private, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, fmt.Errorf("make a DKIM key: %w", err)
	}
	_, short, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a DKIM key: %w", err)
	}
	return pair(private, short)
}

// Parse reads what PEM has written.
func Parse(text string) (*Keys, error) {
	var long *rsa.PrivateKey
	var short ed25519.PrivateKey
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read the DKIM keys: %w", err)
		}
		switch k := parsed.(type) {
		case *rsa.PrivateKey:
			long = k
		case ed25519.PrivateKey:
			short = k
		}
	}
	if long == nil || short == nil {
		return nil, errors.New("read the DKIM keys: one of the two is missing")
	}
	return pair(long, short)
}

func pair(long *rsa.PrivateKey, short ed25519.PrivateKey) (*Keys, error) {
	spki, err := x509.MarshalPKIXPublicKey(long.Public())
	if err != nil {
		return nil, fmt.Errorf("DKIM key: %w", err)
	}
	// An Ed25519 key stands in its record as it is (RFC 8463 §4.2).
	return &Keys{rsa: named("rsa", long, spki), ed25519: named("ed25519", short, short.Public().(ed25519.PublicKey))}, nil
}

// named gives a key its selector. That comes from the key, so that a new key never
// meets the record of an old one in somebody's cache.
func named(kind string, signer crypto.Signer, public []byte) key {
	sum := sha256.Sum256(public)
	return key{
		Signer:   signer,
		selector: "tf-" + kind + "-" + hex.EncodeToString(sum[:4]),
		record:   "v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(public),
	}
}

// PEM returns the keys as text (PKCS #8), which is secret.
func (k *Keys) PEM() (string, error) {
	var text []byte
	for _, one := range k.both() {
		der, err := x509.MarshalPKCS8PrivateKey(one.Signer)
		if err != nil {
			return "", fmt.Errorf("write the DKIM keys: %w", err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	}
	return string(text), nil
}

// both returns the keys in the order of their signatures: some look at the first
// alone.
func (k *Keys) both() []key { return []key{k.rsa, k.ed25519} }

// Record is a TXT record that lets others verify the signatures.
type Record struct {
	Name string // such as "tf-rsa-0a1b2c3d._domainkey.example.org"
	Text string
}

// Records returns what must stand in the DNS of a domain.
func (k *Keys) Records(domain string) []Record {
	var list []Record
	for _, one := range k.both() {
		list = append(list, Record{one.selector + "._domainkey." + domain, one.record})
	}
	return list
}
