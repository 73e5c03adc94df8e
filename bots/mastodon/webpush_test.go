package mastodon

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"net/http"
	"slices"
	"testing"

	"ticketfrei/internal/secret"
)

// The receiver of RFC 8291, appendix A, and what it is sent.
const (
	rfcPrivate = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
	rfcPublic  = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	rfcAuth    = "BTBZMqHH6r4Tts7J_aSIgg"
	rfcText    = "When I grow up, I want to be a watermelon"
	rfcBody    = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"

	// The same text for the same receiver in the draft's form, as the npm package web-push
	// 3.6 encrypts it.
	draftSalt = "m8duf08fK7YvvOTMm1rm_Q"
	draftKey  = "BCO-TCsop8Go6u0txnF6dS6Z5qPzVEU7vuNt4WaKeWiNqyzQwX0ftPLJr4r0XlfCm_QntoadpAzUeeimdVCH9Mc"
	draftBody = "g4jw6NlZkhguAFjkMhMjUgbwoz4a5_HwLhB7lFD16qcxMZovJPkIeX3epjg1gVjdt_ekftU20tBodT8"
)

func decode64(tb testing.TB, s string) []byte {
	tb.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func rfcKeys(tb testing.TB) *pushKeys {
	tb.Helper()
	private, err := ecdh.P256().NewPrivateKey(decode64(tb, rfcPrivate))
	if err != nil {
		tb.Fatal(err)
	}
	return &pushKeys{private, decode64(tb, rfcAuth)}
}

func standard() http.Header { return http.Header{"Content-Encoding": {"aes128gcm"}} }

func draft(encryption, key string) http.Header {
	return http.Header{"Content-Encoding": {"aesgcm"}, "Encryption": {encryption}, "Crypto-Key": {key}}
}

func TestCallsOfOthersAreRead(t *testing.T) {
	k := rfcKeys(t)
	if k.public() != rfcPublic || k.secret() != rfcAuth {
		t.Fatalf("keys %s, %s", k.public(), k.secret())
	}
	for name, c := range map[string]struct {
		header http.Header
		body   string
	}{
		"standard":          {standard(), rfcBody},
		"draft":             {draft("salt="+draftSalt, "dh="+draftKey), draftBody},
		"draft of Mastodon": {draft("salt="+draftSalt, "dh="+draftKey+";p256ecdsa=BOtherKey"), draftBody},
		"draft with more":   {draft(`keyid=p256dh; salt="`+draftSalt+`=="; rs=4096`, `p256ecdsa=BOtherKey, keyid=p256dh; DH="`+draftKey+`="`), draftBody},
	} {
		got, err := k.open(c.header, decode64(t, c.body))
		if err != nil || string(got) != rfcText {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestCallsThatCannotBeRead(t *testing.T) {
	k := rfcKeys(t)
	body := decode64(t, rfcBody)
	changed := func(at int, to byte) []byte {
		c := slices.Clone(body)
		c[at] = to
		return c
	}
	for name, c := range map[string]struct {
		header http.Header
		body   []byte
	}{
		"no encoding":         {http.Header{}, body},
		"another":             {http.Header{"Content-Encoding": {"gzip"}}, body},
		"nothing":             {standard(), nil},
		"a head alone":        {standard(), body[:21]},
		"cut":                 {standard(), body[:len(body)-1]},
		"changed":             {standard(), changed(len(body)-1, 0)},
		"short record":        {standard(), changed(18, 0)},
		"another id":          {standard(), changed(20, 64)},
		"no point":            {standard(), changed(30, 0)},
		"too long":            {standard(), bytes.Repeat(body, 100)},
		"draft without salt":  {draft("", "dh="+draftKey), decode64(t, draftBody)},
		"draft without key":   {draft("salt="+draftSalt, "p256ecdsa="+draftKey), decode64(t, draftBody)},
		"draft with half key": {draft("salt="+draftSalt, "dh="+draftKey[:40]), decode64(t, draftBody)},
		"draft, nothing":      {draft("salt="+draftSalt, "dh="+draftKey), nil},
		"draft as standard":   {standard(), decode64(t, draftBody)},
	} {
		if got, err := k.open(c.header, c.body); err == nil {
			t.Errorf("%s: read as %q", name, got)
		}
	}
	other := *k
	other.auth = bytes.Repeat([]byte{1}, authLength)
	if _, err := other.open(standard(), body); err == nil {
		t.Error("read without the secret")
	}
}

// Keys need not be stored: they are the same after a restart, and others for each bot and
// each token.
func TestPushKeysComeFromTheSecret(t *testing.T) {
	box := must(secret.New(bytes.Repeat([]byte{7}, 32)))(t)
	k := newPushKeys(box, "1", "token")
	if again := newPushKeys(box, "1", "token"); again.public() != k.public() || again.secret() != k.secret() {
		t.Error("others after a restart")
	}
	for name, other := range map[string]*pushKeys{
		"bot": newPushKeys(box, "2", "token"), "token": newPushKeys(box, "1", "token2"),
		"secret": newPushKeys(must(secret.New(bytes.Repeat([]byte{8}, 32)))(t), "1", "token"),
	} {
		if other.public() == k.public() || other.secret() == k.secret() {
			t.Errorf("another %s has the same keys", name)
		}
	}
	if len(decode64(t, k.public())) != pointLength || len(decode64(t, k.secret())) != authLength {
		t.Error("keys of the wrong length")
	}
}

func FuzzCall(f *testing.F) {
	k := rfcKeys(f)
	f.Add("aes128gcm", "", "", decode64(f, rfcBody))
	f.Add("aesgcm", "salt="+draftSalt, "dh="+draftKey, decode64(f, draftBody))
	f.Add("aesgcm", `salt="a";;,=`, "dh=,dh", []byte{0})
	f.Fuzz(func(t *testing.T, encoding, encryption, key string, body []byte) {
		h := http.Header{"Content-Encoding": {encoding}, "Encryption": {encryption}, "Crypto-Key": {key}}
		box := &callBox{keys: k, wake: make(chan struct{}, 1)}
		box.ring(h, body)
		if len(box.wake) != 1 {
			t.Error("a call did not wake")
		}
		if plain, err := k.open(h, body); err == nil && len(plain) > len(body) {
			t.Errorf("%d bytes of %d", len(plain), len(body))
		}
	})
}
