// Package webpush is the encryption and the signatures of Web Push (RFC 8291, RFC 8292).
package webpush

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
)

// MaxBody bounds the body of a message that is read, in bytes: push services take 4096
// (RFC 8030, 7.2).
const MaxBody = 8 << 10

// Keys are those by which whoever has subscribed reads messages.
type Keys struct {
	Private *ecdh.PrivateKey
	Auth    []byte // AuthLength bytes that sender and receiver share
}

// Public is what a subscription names as p256dh.
func (k *Keys) Public() string { return encoding.EncodeToString(k.point()) }

// Secret is what a subscription names as auth.
func (k *Keys) Secret() string { return encoding.EncodeToString(k.Auth) }

func (k *Keys) point() []byte { return k.Private.PublicKey().Bytes() }

// encoding is that of keys and signatures in texts.
var encoding = base64.RawURLEncoding

// Lengths in bytes: RFC 8188, 2.1 and RFC 8291.
const (
	AuthLength  = 16
	saltLength  = 16
	pointLength = 65
	keyLength   = 16
	nonceLength = 12
)

// ErrUnreadable is a message that cannot be read. Why would help nobody but those who try.
var ErrUnreadable = errors.New("the message cannot be read")

// Open decrypts a message of one record, which all are: in the form of RFC 8291, or in
// that of the draft before it. The error is ErrUnreadable.
func (k *Keys) Open(h http.Header, body []byte) ([]byte, error) {
	if len(body) > MaxBody {
		return nil, ErrUnreadable
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))) {
	case "aes128gcm":
		return k.openStandard(body)
	case "aesgcm":
		return k.openDraft(h, body)
	}
	return nil, ErrUnreadable
}

// openStandard decrypts aes128gcm (RFC 8291). The body begins with the salt, the size of
// a record and the sender's point, with its length.
func (k *Keys) openStandard(body []byte) ([]byte, error) {
	const head = saltLength + 4 + 1
	if len(body) < head+pointLength || body[head-1] != pointLength {
		return nil, ErrUnreadable
	}
	salt, size, point, record := body[:saltLength], binary.BigEndian.Uint32(body[saltLength:]), body[head:head+pointLength], body[head+pointLength:]
	if uint64(len(record)) > uint64(size) {
		return nil, ErrUnreadable
	}
	plain, err := k.decrypt(record, salt, point, "WebPush: info\x00"+string(k.point())+string(point), "Content-Encoding: aes128gcm\x00", "Content-Encoding: nonce\x00")
	if err != nil {
		return nil, err
	}
	// Padding stands behind the text: a 2, and zeros.
	end := strings.TrimRight(string(plain), "\x00")
	text, ok := strings.CutSuffix(end, "\x02")
	if !ok {
		return nil, ErrUnreadable
	}
	return []byte(text), nil
}

// openDraft decrypts aesgcm, which servers send that are older than the standard
// (draft-ietf-webpush-encryption-04): salt and point stand in headers.
func (k *Keys) openDraft(h http.Header, body []byte) ([]byte, error) {
	salt, point := parameter(h, "Encryption", "salt"), parameter(h, "Crypto-Key", "dh")
	if len(salt) != saltLength || len(point) != pointLength {
		return nil, ErrUnreadable
	}
	context := "P-256\x00" + withLength(k.point()) + withLength(point)
	plain, err := k.decrypt(body, salt, point, "Content-Encoding: auth\x00", "Content-Encoding: aesgcm\x00"+context, "Content-Encoding: nonce\x00"+context)
	if err != nil || len(plain) < 2 {
		return nil, ErrUnreadable
	}
	// Padding stands before the text, with its length.
	padding := int(binary.BigEndian.Uint16(plain))
	if padding > len(plain)-2 {
		return nil, ErrUnreadable
	}
	return plain[2+padding:], nil
}

// decrypt decrypts one record. shared, key and nonce are what the two forms derive with.
func (k *Keys) decrypt(record, salt, point []byte, shared, key, nonce string) ([]byte, error) {
	sender, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, ErrUnreadable
	}
	secret, err := k.Private.ECDH(sender)
	if err != nil {
		return nil, ErrUnreadable
	}
	aead, contentNonce, err := derive(secret, k.Auth, salt, shared, key, nonce)
	if err != nil {
		return nil, ErrUnreadable
	}
	plain, err := aead.Open(nil, contentNonce, record, nil)
	if err != nil {
		return nil, ErrUnreadable
	}
	return plain, nil
}

func withLength(b []byte) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(b)))) + string(b)
}

// parameter reads a parameter of a header that lists some, in base64:
// "dh=BN…;p256ecdsa=BO…", "keyid=a;dh=BN…, p256ecdsa=BO…".
func parameter(h http.Header, header, name string) []byte {
	list := strings.FieldsFunc(strings.Join(h.Values(header), ","), func(r rune) bool { return r == ',' || r == ';' })
	for _, p := range list {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(key, name) {
			continue
		}
		raw, err := encoding.DecodeString(strings.TrimRight(strings.Trim(value, `"`), "="))
		if err == nil {
			return raw
		}
	}
	return nil
}
