package standin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// sealDraft encrypts for a subscription in the form that came before RFC 8291, aesgcm
// (draft-ietf-webpush-encryption-04). salt and point are for the headers.
func sealDraft(p256dh, auth string, plain []byte) (body []byte, salt, point string, err error) {
	receiver, err := ecdh.P256().NewPublicKey(decode(p256dh))
	if err != nil {
		return nil, "", "", err
	}
	sender, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", "", err
	}
	shared, err := sender.ECDH(receiver)
	if err != nil {
		return nil, "", "", err
	}
	random := make([]byte, 16)
	rand.Read(random)
	derive := func(secret, salt []byte, info string, length int) []byte {
		key, derr := hkdf.Key(sha256.New, secret, salt, info, length)
		if derr != nil {
			err = derr
		}
		return key
	}
	length := "\x00\x41" // of both points
	context := "\x00P-256\x00" + length + string(receiver.Bytes()) + length + string(sender.PublicKey().Bytes())
	secret := derive(shared, decode(auth), "Content-Encoding: auth\x00", 32)
	block, berr := aes.NewCipher(derive(secret, random, "Content-Encoding: aesgcm"+context, 16))
	if err != nil || berr != nil {
		return nil, "", "", err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, "", "", err
	}
	nonce := derive(secret, random, "Content-Encoding: nonce"+context, 12)
	encode := base64.RawURLEncoding.EncodeToString
	return aead.Seal(nil, nonce, append([]byte{0, 0}, plain...), nil), encode(random), encode(sender.PublicKey().Bytes()), err
}

func decode(s string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return nil
	}
	return raw
}
