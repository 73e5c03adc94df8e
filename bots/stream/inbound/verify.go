package inbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// SecretPrefix is what secrets of standard-webhooks begin with.
	SecretPrefix = "whsec_"
	// tolerance is how far the clock of a sender may be from ours, and how old a post may be.
	tolerance = 5 * time.Minute
	// maxSignatures is how many signatures of one post are looked at: a sender that changes
	// its secret signs with both.
	maxSignatures = 8
	// maxID bounds the id of a message, in bytes.
	maxID = 256
)

var errKey = fmt.Errorf("a secret of standard-webhooks is %s and the base64 of %d to %d bytes", SecretPrefix, minKey, maxKey)

// Key is what a secret of standard-webhooks signs with.
func Key(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, SecretPrefix))
	if err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, errKey
	}
	return key, nil
}

// sum is the HMAC-SHA256 of parts.
func sum(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// standard verifies a post of standard-webhooks.
func standard(secret string, p Post) (m Message, err error) {
	id, at, signatures := p.Header.Get("Webhook-Id"), p.Header.Get("Webhook-Timestamp"), p.Header.Get("Webhook-Signature")
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		if p.Header.Get(name) == "" {
			return m, refuse(http.StatusUnauthorized, "header."+name, nil, "the header %s is missing: the preset standard-webhooks needs webhook-id, webhook-timestamp and webhook-signature", name)
		}
	}
	if len(id) > maxID {
		return m, refuse(http.StatusUnauthorized, "header.webhook-id", nil, "the header webhook-id is longer than %d bytes", maxID)
	}
	if err := inTime(at, p.Time); err != nil {
		return m, err
	}
	key, err := Key(secret)
	if err != nil {
		return m, err
	}
	want := sum(key, []byte(id+"."+at+"."), p.Body)
	if !signed(signatures, want) {
		return m, refuse(http.StatusUnauthorized, "header.webhook-signature", nil, "the signature does not fit: it is v1, and the base64 of the HMAC-SHA256 of webhook-id.webhook-timestamp.body, with what follows whsec_ in the trigger's secret, decoded, as key")
	}
	return Message{ID: id, Once: id + "." + at, Body: p.Body}, nil
}

// inTime checks the time of a post.
func inTime(at string, now time.Time) error {
	unix, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return refuse(http.StatusUnauthorized, "header.webhook-timestamp", Cut(at), "the header webhook-timestamp is no number of seconds since 1970")
	}
	if d := now.Sub(time.Unix(unix, 0)); d > tolerance || d < -tolerance {
		return refuse(http.StatusUnauthorized, "header.webhook-timestamp", unix, "the header webhook-timestamp is more than %.0f minutes from now (%d): sign each attempt with its own time, and set the clock", tolerance.Minutes(), now.Unix())
	}
	return nil
}

// signed tells whether one of the signatures is the one that is wanted.
func signed(signatures string, want []byte) bool {
	list, ok := strings.Fields(signatures), false
	for _, s := range list[:min(len(list), maxSignatures)] {
		version, text, _ := strings.Cut(s, ",")
		raw, err := base64.StdEncoding.DecodeString(text)
		ok = ok || err == nil && version == "v1" && hmac.Equal(raw, want)
	}
	return ok
}

// hub verifies a post that is signed as GitHub does it.
func hub(secret string, p Post) (m Message, err error) {
	const name = "X-Hub-Signature-256"
	signature := p.Header.Get(name)
	if signature == "" {
		return m, refuse(http.StatusUnauthorized, "header.x-hub-signature-256", nil, "the header %s is missing: the preset sha256 needs it", name)
	}
	text, ok := strings.CutPrefix(signature, "sha256=")
	raw, err := hex.DecodeString(text)
	if !ok || err != nil || !hmac.Equal(raw, sum([]byte(secret), p.Body)) {
		return m, refuse(http.StatusUnauthorized, "header.x-hub-signature-256", nil, "the signature does not fit: it is sha256= and the hexadecimal HMAC-SHA256 of the body, with the trigger's secret as key")
	}
	return Message{Body: p.Body}, nil
}

// bearer verifies a post that shows the secret itself.
func bearer(secret string, p Post) (m Message, err error) {
	kind, shown, _ := strings.Cut(p.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return m, refuse(http.StatusUnauthorized, "header.authorization", nil, "the header Authorization is missing: write Authorization: Bearer and the trigger's secret")
	}
	a, b := sha256.Sum256([]byte(strings.TrimSpace(shown))), sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return m, refuse(http.StatusUnauthorized, "header.authorization", nil, "the secret in the header Authorization is not the one of the trigger")
	}
	return Message{Body: p.Body}, nil
}
