package mastodon

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"ticketfrei/internal/secret"
)

// pushKeys are those by which an account reads its calls (RFC 8291). They come from the
// program's key and the account's token, so that they need not be stored.
type pushKeys struct {
	private *ecdh.PrivateKey
	auth    []byte
}

func (c *conn) keys() *pushKeys {
	return newPushKeys(c.host().Secrets, strconv.FormatInt(c.account.BotID, 10), c.account.Token)
}

func newPushKeys(box *secret.Box, of ...string) *pushKeys {
	auth := box.Key("mastodon.push.auth", of...)
	k := &pushKeys{auth: auth[:authLength]}
	for n := 0; k.private == nil; n++ {
		// One of four billion is no key of the curve.
		raw := box.Key("mastodon.push.private", append(of, strconv.Itoa(n))...)
		k.private, _ = ecdh.P256().NewPrivateKey(raw)
	}
	return k
}

// public and secret are what a subscription names, as p256dh and auth.
func (k *pushKeys) public() string { return base64.RawURLEncoding.EncodeToString(k.point()) }
func (k *pushKeys) secret() string { return base64.RawURLEncoding.EncodeToString(k.auth) }
func (k *pushKeys) point() []byte  { return k.private.PublicKey().Bytes() }

// Lengths in bytes: RFC 8188, 2.1 and RFC 8291.
const (
	authLength  = 16
	saltLength  = 16
	pointLength = 65
	keyLength   = 16
	nonceLength = 12
)

// errCall is a call that cannot be read. Why would help nobody but those who try.
var errCall = errors.New("the call cannot be read")

// open decrypts a call of one record, which all calls are.
func (k *pushKeys) open(h http.Header, body []byte) ([]byte, error) {
	if len(body) > maxCall {
		return nil, errCall
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))) {
	case "aes128gcm":
		return k.openStandard(body)
	case "aesgcm":
		return k.openDraft(h, body)
	}
	return nil, errCall
}

// openStandard decrypts aes128gcm (RFC 8291). The body begins with the salt, the size of
// a record and the sender's point, with its length.
func (k *pushKeys) openStandard(body []byte) ([]byte, error) {
	const head = saltLength + 4 + 1
	if len(body) < head+pointLength || body[head-1] != pointLength {
		return nil, errCall
	}
	salt, size, point, record := body[:saltLength], binary.BigEndian.Uint32(body[saltLength:]), body[head:head+pointLength], body[head+pointLength:]
	if uint64(len(record)) > uint64(size) {
		return nil, errCall
	}
	plain, err := k.decrypt(record, salt, point, "WebPush: info\x00"+string(k.point())+string(point), "Content-Encoding: aes128gcm\x00", "Content-Encoding: nonce\x00")
	if err != nil {
		return nil, err
	}
	// Padding stands behind the text: a 2, and zeros.
	end := strings.TrimRight(string(plain), "\x00")
	text, ok := strings.CutSuffix(end, "\x02")
	if !ok {
		return nil, errCall
	}
	return []byte(text), nil
}

// openDraft decrypts aesgcm, which servers send that are older than the standard
// (draft-ietf-webpush-encryption-04): salt and point stand in headers.
func (k *pushKeys) openDraft(h http.Header, body []byte) ([]byte, error) {
	salt, point := parameter(h, "Encryption", "salt"), parameter(h, "Crypto-Key", "dh")
	if len(salt) != saltLength || len(point) != pointLength {
		return nil, errCall
	}
	context := "P-256\x00" + withLength(k.point()) + withLength(point)
	plain, err := k.decrypt(body, salt, point, "Content-Encoding: auth\x00", "Content-Encoding: aesgcm\x00"+context, "Content-Encoding: nonce\x00"+context)
	if err != nil || len(plain) < 2 {
		return nil, errCall
	}
	// Padding stands before the text, with its length.
	padding := int(binary.BigEndian.Uint16(plain))
	if padding > len(plain)-2 {
		return nil, errCall
	}
	return plain[2+padding:], nil
}

// decrypt decrypts one record. shared, key and nonce are what the two forms derive with.
func (k *pushKeys) decrypt(record, salt, point []byte, shared, key, nonce string) ([]byte, error) {
	sender, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, errCall
	}
	secret, err := k.private.ECDH(sender)
	if err != nil {
		return nil, errCall
	}
	// None of the lengths is one that hkdf refuses.
	secret, _ = hkdf.Key(sha256.New, secret, k.auth, shared, sha256.Size)
	contentKey, _ := hkdf.Key(sha256.New, secret, salt, key, keyLength)
	contentNonce, _ := hkdf.Key(sha256.New, secret, salt, nonce, nonceLength)
	block, err := aes.NewCipher(contentKey)
	if err != nil {
		return nil, errCall
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, errCall
	}
	plain, err := aead.Open(nil, contentNonce, record, nil)
	if err != nil {
		return nil, errCall
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
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.Trim(value, `"`), "="))
		if err == nil {
			return raw
		}
	}
	return nil
}
