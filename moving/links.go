package moving

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/nacl/secretbox"

	"ticketfrei/internal/address"
)

// The links in old mails say who gets the mails of which city, and nothing of what they are for:
// the one that began a subscription is the same as the one that ends it, and neither is ever too
// old. So they are only good for ending one.

// ErrLink is about the token of a link that is not the installation's, or does not name a
// subscriber.
var ErrLink = errors.New("not a link to a subscription")

// maxLink is how long a token is at most, in bytes.
const maxLink = 2000

// subscriber is what a token of Ticketfrei 2 says: that and nothing else, since those for
// registrations are signed alike.
type subscriber struct {
	Email string `json:"email"`
	City  string `json:"city"`
	// What the library asks for: there are no times in it.
	jwt.RegisteredClaims `json:"-"`
}

// UnmarshalJSON refuses what a link to a subscription has not.
func (s *subscriber) UnmarshalJSON(raw []byte) error {
	type fields subscriber
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode((*fields)(s))
}

// LinkOfTicketfrei2 returns the address, as it is stored here, and the city, as it was typed
// there, that a token is about. The error is ErrLink.
func LinkOfTicketfrei2(key []byte, token string) (email, city string, err error) {
	if len(key) == 0 || len(token) > maxLink {
		return "", "", ErrLink
	}
	var s subscriber
	_, err = jwt.ParseWithClaims(token, &s, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding())
	if err != nil {
		return "", "", ErrLink
	}
	email, _, ok := address.Named(s.Email, true)
	if !ok || s.City == "" {
		return "", "", ErrLink
	}
	return email, s.City, nil
}

// LinkOfKibicara returns the address, as it is stored here, and the number of the hood that a
// token is about. The error is ErrLink.
func LinkOfKibicara(key []byte, token string) (email string, hood int64, err error) {
	const keySize, nonceSize = 32, 24
	sealed, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(token, "="))
	if err != nil || len(key) != keySize || len(token) > maxLink || len(sealed) < nonceSize {
		return "", 0, ErrLink
	}
	text, ok := secretbox.Open(nil, sealed[nonceSize:], (*[nonceSize]byte)(sealed), (*[keySize]byte)(key))
	if !ok {
		return "", 0, ErrLink
	}
	typed, hood, ok := readPickle(text)
	if !ok {
		return "", 0, ErrLink
	}
	email, _, ok = address.Named(typed, true)
	if !ok || hood <= 0 {
		return "", 0, ErrLink
	}
	return email, hood, nil
}

// readPickle reads a dictionary with "email", a text, and "hood", a whole number, in the one form
// that Python gives it (protocol 4). A pickle is a program: it is never run, and whatever has
// another form is refused.
func readPickle(b []byte) (email string, hood int64, ok bool) {
	const frame = 8 // bytes: how many follow
	rest, ok := bytes.CutPrefix(b, []byte("\x80\x04\x95"))
	if !ok || len(rest) < frame || binary.LittleEndian.Uint64(rest) != uint64(len(rest)-frame) {
		return "", 0, false
	}
	if rest, ok = bytes.CutPrefix(rest[frame:], []byte("}\x94(")); !ok {
		return "", 0, false
	}
	var hasEmail, hasHood bool
	for range 2 {
		var key string
		if key, rest, ok = pickledText(rest); !ok {
			return "", 0, false
		}
		switch {
		case key == "email" && !hasEmail:
			email, rest, hasEmail = pickledText(rest)
			ok = hasEmail
		case key == "hood" && !hasHood:
			hood, rest, hasHood = pickledNumber(rest)
			ok = hasHood
		default:
			ok = false
		}
		if !ok {
			return "", 0, false
		}
	}
	return email, hood, string(rest) == "u."
}

// pickledText reads a text of at most 255 bytes, and that it is remembered.
func pickledText(b []byte) (text string, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != 0x8c || len(b) < 2+int(b[1])+1 {
		return "", nil, false
	}
	n := 2 + int(b[1])
	return string(b[2:n]), b[n+1:], b[n] == 0x94
}

// pickledNumber reads a whole number of one, two or four bytes.
func pickledNumber(b []byte) (n int64, rest []byte, ok bool) {
	switch {
	case len(b) >= 2 && b[0] == 'K':
		return int64(b[1]), b[2:], true
	case len(b) >= 3 && b[0] == 'M':
		return int64(binary.LittleEndian.Uint16(b[1:])), b[3:], true
	case len(b) >= 5 && b[0] == 'J':
		return int64(int32(binary.LittleEndian.Uint32(b[1:]))), b[5:], true
	}
	return 0, nil, false
}
