package webpush

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Receiver is whom messages are sealed for: the keys of a subscription.
type Receiver struct {
	public *ecdh.PublicKey
	auth   []byte
}

// What is wrong with the keys of a subscription.
var (
	ErrPublicKey = errors.New("p256dh is no point of P-256 in base64")
	ErrAuth      = errors.New("auth is not 16 bytes in base64")
)

// NewReceiver reads the keys of a subscription: base64, with padding or without, in
// either alphabet. The error is ErrPublicKey or ErrAuth.
func NewReceiver(p256dh, auth string) (*Receiver, error) {
	point, err := decode(p256dh)
	if err != nil {
		return nil, ErrPublicKey
	}
	public, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, ErrPublicKey
	}
	secret, err := decode(auth)
	if err != nil || len(secret) != AuthLength {
		return nil, ErrAuth
	}
	return &Receiver{public, secret}, nil
}

func decode(s string) ([]byte, error) {
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(s, "="))
	raw, err := encoding.Strict().DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("base64: %w", err)
	}
	return raw, nil
}

// Keys are the keys of the subscription, in the one spelling that is stored.
func (r *Receiver) Keys() (p256dh, auth string) {
	return encoding.EncodeToString(r.public.Bytes()), encoding.EncodeToString(r.auth)
}

// recordSize is the size of a record in bytes, and of a message: it has one record alone
// (RFC 8291, 4).
const recordSize = 4096

const (
	headLength = saltLength + 4 + 1 + pointLength
	tagLength  = 16
	// MaxText is the longest text that a message has room for, in bytes.
	MaxText = recordSize - headLength - tagLength - 1
)

// padTo is what the length of texts is rounded up to, in bytes, so that it says little
// of what is in them.
const padTo = 512

// Seal encrypts a text for the receiver (RFC 8291). The error is about a text that is
// longer than MaxText.
func (r *Receiver) Seal(text []byte) ([]byte, error) {
	sender, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails
	padded := min((len(text)/padTo+1)*padTo, MaxText)
	return r.seal(text, padded-len(text), sender, salt)
}

// seal encrypts a text and what it is padded with.
func (r *Receiver) seal(text []byte, padding int, sender *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("a message of %d bytes is longer than %d", len(text), MaxText)
	}
	point := sender.PublicKey().Bytes()
	secret, err := sender.ECDH(r.public)
	if err != nil {
		return nil, err
	}
	aead, nonce, err := derive(secret, r.auth, salt, "WebPush: info\x00"+string(r.public.Bytes())+string(point),
		"Content-Encoding: aes128gcm\x00", "Content-Encoding: nonce\x00")
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, headLength+len(text)+1+padding+tagLength)
	body = append(body, salt...)
	body = binary.BigEndian.AppendUint32(body, recordSize)
	body = append(body, pointLength)
	body = append(body, point...)
	plain := append(append(slices.Clone(text), 2), make([]byte, padding)...)
	return aead.Seal(body, nonce, plain, nil), nil
}

// derive derives key and nonce of a record; shared, key and nonce are what the two forms
// of messages derive with.
func derive(secret, auth, salt []byte, shared, key, nonce string) (cipher.AEAD, []byte, error) {
	// None of the lengths is one that hkdf refuses.
	secret, _ = hkdf.Key(sha256.New, secret, auth, shared, sha256.Size)
	contentKey, _ := hkdf.Key(sha256.New, secret, salt, key, keyLength)
	contentNonce, _ := hkdf.Key(sha256.New, secret, salt, nonce, nonceLength)
	block, err := aes.NewCipher(contentKey)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, contentNonce, err
}
