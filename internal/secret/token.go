package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// The errors of Verify.
var (
	ErrTokenInvalid = errors.New("the link is not valid")
	ErrTokenExpired = errors.New("the link has expired")
)

const (
	// tokenBlock is the step in which the length of what a token holds grows:
	// otherwise it would tell how long an address is.
	tokenBlock = 32
	// tokenRandom is how much of a token's nonce is as good as random. The rest is the
	// mark by which TokenLength knows our tokens.
	tokenRandom = 16
	// tokenMark is how much of a token shows that it is ours, in characters: the
	// nonce in base64.
	tokenMark = chacha20poly1305.NonceSizeX * 8 / 6
	// endOfPayload stands after the payload, and zeros after that.
	endOfPayload = 0x80
)

// Sign makes a token for a link: payload, sealed, valid for one purpose
// ("mail.confirm") until expires, or for ever if that is the zero time. Nobody
// without the key can read it. It is URL-safe and has 96 characters, and about 43 more
// for every 32 bytes that the payload has more than 23.
func (b *Box) Sign(purpose, payload string, expires time.Time) string {
	var unix int64
	if !expires.IsZero() {
		unix = expires.Unix()
	}
	raw := binary.BigEndian.AppendUint64(nil, uint64(unix))
	raw = append(append(raw, payload...), endOfPayload)
	blocks := (len(raw) + tokenBlock - 1) / tokenBlock
	raw = append(raw, make([]byte, blocks*tokenBlock-len(raw))...)
	// As with SIV the nonce comes from what is sealed: a mail that is sent again is
	// the same mail.
	nonce := b.mac(b.nonce, "nonce", purpose, string(raw))[:tokenRandom]
	mark := b.tokenMark(nonce)
	mark[len(mark)-1] ^= byte(blocks)
	nonce = append(nonce, mark[:]...)
	return base64.RawURLEncoding.EncodeToString(b.token.Seal(nonce, nonce, raw, []byte(purpose)))
}

// Verify returns the payload of a token that Sign made for the same purpose.
// The error is ErrTokenInvalid or ErrTokenExpired.
func (b *Box) Verify(purpose, token string, now time.Time) (string, error) {
	all, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", ErrTokenInvalid
	}
	unix, payload, ok := b.openToken(purpose, all)
	if !ok {
		unix, payload, ok = b.readFormerToken(purpose, all)
	}
	if !ok {
		return "", ErrTokenInvalid
	}
	if unix != 0 && now.Unix() > unix {
		return "", ErrTokenExpired
	}
	return payload, nil
}

func (b *Box) openToken(purpose string, all []byte) (unix int64, payload string, ok bool) {
	if len(all) < b.token.NonceSize() {
		return 0, "", false
	}
	n := b.token.NonceSize()
	raw, err := b.token.Open(nil, all[:n], all[n:], []byte(purpose))
	if err != nil || len(raw) < tokenBlock {
		return 0, "", false
	}
	text := bytes.TrimRight(raw[8:], "\x00")
	return int64(binary.BigEndian.Uint64(raw)), string(bytes.TrimSuffix(text, []byte{endOfPayload})), true
}

// formerMAC is how many bytes of an HMAC a former token begins with.
const formerMAC = 16

// readFormerToken reads a token of earlier versions, which were signed and not
// sealed: the links to unsubscribe in old mails hold for ever.
func (b *Box) readFormerToken(purpose string, all []byte) (unix int64, payload string, ok bool) {
	if len(all) < formerMAC+8 {
		return 0, "", false
	}
	mac, raw := all[:formerMAC], all[formerMAC:]
	if !hmac.Equal(mac, b.mac(b.sign, purpose, string(raw))[:formerMAC]) {
		return 0, "", false
	}
	return int64(binary.BigEndian.Uint64(raw)), string(raw[8:]), true
}

// formerPurposes are those that earlier versions made tokens for that people got.
var formerPurposes = []string{"mail.unsubscribe", "mail.confirm", "register", "password", "invite"}

// IsFormerToken tells whether s is a token of an earlier version, whole, whatever
// its purpose.
func (b *Box) IsFormerToken(s string) bool {
	all, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && slices.ContainsFunc(formerPurposes, func(purpose string) bool {
		_, _, ok := b.readFormerToken(purpose, all)
		return ok
	})
}

// tokenMark returns the end of a nonce that begins with random. It is looked for at
// every letter of a text: one block of AES is far quicker than an HMAC.
func (b *Box) tokenMark(random []byte) (mark [chacha20poly1305.NonceSizeX - tokenRandom]byte) {
	var block [aes.BlockSize]byte
	b.marks.Encrypt(block[:], random[:tokenRandom])
	copy(mark[:], block[:])
	return mark
}

// TokenLength tells whether s begins with a token of ours, whatever its purpose,
// and how long that is, in characters; 0 where it does not. The token need not be
// whole: its first 32 characters tell.
func (b *Box) TokenLength(s string) int {
	nonce, ok := decodeMark(s)
	if !ok {
		return 0
	}
	mark := b.tokenMark(nonce[:])
	last := len(mark) - 1
	if !hmac.Equal(mark[:last], nonce[tokenRandom:][:last]) {
		return 0
	}
	blocks := int(nonce[len(nonce)-1] ^ mark[last])
	return base64.RawURLEncoding.EncodedLen(len(nonce) + blocks*tokenBlock + b.token.Overhead())
}

// LooksLikeFormerToken tells whether s begins like a token of earlier versions:
// 16 bytes of an HMAC, then the second in which it expires, or zeros. Chance makes
// one of four billion texts look so.
func LooksLikeFormerToken(s string) bool {
	raw, ok := decodeMark(s)
	if !ok {
		return false
	}
	unix := binary.BigEndian.Uint64(raw[formerMAC:])
	const year2020, year2200 = 1577836800, 7258118400
	return unix == 0 || year2020 <= unix && unix < year2200
}

// decodeMark decodes the first 32 characters of s.
func decodeMark(s string) (raw [chacha20poly1305.NonceSizeX]byte, ok bool) {
	if len(s) < tokenMark {
		return raw, false
	}
	n, err := base64.RawURLEncoding.Decode(raw[:], []byte(s[:tokenMark]))
	return raw, err == nil && n == len(raw) // line breaks are skipped
}
