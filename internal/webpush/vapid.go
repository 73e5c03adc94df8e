package webpush

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// Signer says to push services who sends (RFC 8292).
type Signer struct {
	key    *ecdsa.PrivateKey
	public string
}

// NewSigner makes a key. Whoever has subscribed with it takes no messages of another.
func NewSigner() (*Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return signerOf(key)
}

// ParseSigner reads what Private returns.
func ParseSigner(private string) (*Signer, error) {
	raw, err := decode(private)
	if err != nil {
		return nil, fmt.Errorf("key of Web Push: %w", err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, fmt.Errorf("key of Web Push: %w", err)
	}
	return signerOf(key)
}

func signerOf(key *ecdsa.PrivateKey) (*Signer, error) {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("key of Web Push: %w", err)
	}
	return &Signer{key, encoding.EncodeToString(point)}, nil
}

// Public is what browsers subscribe with, as applicationServerKey in base64.
func (s *Signer) Public() string { return s.public }

// Private is the key to be kept.
func (s *Signer) Private() (string, error) {
	raw, err := s.key.Bytes()
	if err != nil {
		return "", fmt.Errorf("key of Web Push: %w", err)
	}
	return encoding.EncodeToString(raw), nil
}

// header is that of every token, in base64: {"typ":"JWT","alg":"ES256"}.
const header = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9"

// Authorization is the header of messages to a push service until a time, at most a day
// from now. origin is that of its endpoints, subject where it finds whoever sends: a URL
// of https or mailto.
func (s *Signer) Authorization(origin, subject string, until time.Time) (string, error) {
	claims, err := json.Marshal(struct {
		Audience string `json:"aud"`
		Expires  int64  `json:"exp"`
		Subject  string `json:"sub"`
	}{origin, until.Unix(), subject})
	if err != nil {
		return "", err
	}
	text := header + "." + encoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		return "", err
	}
	const half = 32
	signature := make([]byte, 2*half)
	r.FillBytes(signature[:half])
	v.FillBytes(signature[half:])
	return "vapid t=" + text + "." + encoding.EncodeToString(signature) + ", k=" + s.public, nil
}
