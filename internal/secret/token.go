package secret

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// The errors of Verify.
var (
	ErrTokenInvalid = errors.New("the link is not valid")
	ErrTokenExpired = errors.New("the link has expired")
)

// macSize is how many bytes of the HMAC a token carries.
const macSize = 16

// Sign makes a token for a link: payload with a signature, valid for one
// purpose ("mail.confirm") until expires, or for ever if that is the zero time.
// Anyone who has the token can read the payload. The token is URL-safe.
func (b *Box) Sign(purpose, payload string, expires time.Time) string {
	var unix int64
	if !expires.IsZero() {
		unix = expires.Unix()
	}
	raw := binary.BigEndian.AppendUint64(nil, uint64(unix))
	raw = append(raw, payload...)
	mac := b.mac(b.sign, purpose, string(raw))[:macSize]
	return base64.RawURLEncoding.EncodeToString(append(mac, raw...))
}

// Verify returns the payload of a token that Sign made for the same purpose.
// The error is ErrTokenInvalid or ErrTokenExpired.
func (b *Box) Verify(purpose, token string, now time.Time) (string, error) {
	all, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(all) < macSize+8 {
		return "", ErrTokenInvalid
	}
	mac, raw := all[:macSize], all[macSize:]
	if !hmac.Equal(mac, b.mac(b.sign, purpose, string(raw))[:macSize]) {
		return "", ErrTokenInvalid
	}
	if unix := int64(binary.BigEndian.Uint64(raw)); unix != 0 && now.Unix() > unix {
		return "", ErrTokenExpired
	}
	return string(raw[8:]), nil
}
