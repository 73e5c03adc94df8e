// Package certs has the certificates that the program serves: those that it gets
// by ACME, and one that it signs itself for mail.
package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"ticketfrei/db"
)

// ownName is the name of our own certificate among the secrets.
const ownName = "mail/certificate"

// ownLifetime is how long our own certificate is valid. Nobody checks it, so that
// nothing is gained by a short time; it is made once more a month before its end.
const (
	ownLifetime = 10 * 365 * 24 * time.Hour
	ownMargin   = 30 * 24 * time.Hour
)

// Own returns a certificate for domain that we signed ourselves. It is made once
// and then kept. Mail servers do not check who signed one (RFC 7435): it keeps
// those out who only listen.
func Own(ctx context.Context, secrets *db.Secrets, domain string, now time.Time) (*tls.Certificate, error) {
	text, _, err := secrets.Get(ctx, ownName)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return nil, err
	}
	if cert, err := tls.X509KeyPair([]byte(text), []byte(text)); err == nil && fits(cert.Leaf, domain, now) {
		return &cert, nil
	}
	made, err := sign(domain, now)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %s: %w", domain, err)
	}
	if err := secrets.Put(ctx, ownName, string(made)); err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(made, made)
	return &cert, err
}

func fits(cert *x509.Certificate, domain string, now time.Time) bool {
	return cert.VerifyHostname(domain) == nil && now.Before(cert.NotAfter.Add(-ownMargin))
}

// sign makes a certificate and its key, both as PEM.
func sign(domain string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: domain},
		DNSNames: []string{domain},
		// The clocks of others may be slow.
		NotBefore:   now.Add(-24 * time.Hour),
		NotAfter:    now.Add(ownLifetime),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...), nil
}
