package webpush

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"net/http"
	"slices"
	"testing"
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

func rfcKeys(tb testing.TB) *Keys {
	tb.Helper()
	private, err := ecdh.P256().NewPrivateKey(decode64(tb, rfcPrivate))
	if err != nil {
		tb.Fatal(err)
	}
	return &Keys{private, decode64(tb, rfcAuth)}
}

func standard() http.Header { return http.Header{"Content-Encoding": {"aes128gcm"}} }

func draft(encryption, key string) http.Header {
	return http.Header{"Content-Encoding": {"aesgcm"}, "Encryption": {encryption}, "Crypto-Key": {key}}
}

func TestMessagesOfOthersAreRead(t *testing.T) {
	k := rfcKeys(t)
	if k.Public() != rfcPublic || k.Secret() != rfcAuth {
		t.Fatalf("keys %s, %s", k.Public(), k.Secret())
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
		got, err := k.Open(c.header, decode64(t, c.body))
		if err != nil || string(got) != rfcText {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestMessagesThatCannotBeRead(t *testing.T) {
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
		if got, err := k.Open(c.header, c.body); err == nil {
			t.Errorf("%s: read as %q", name, got)
		}
	}
	other := *k
	other.Auth = bytes.Repeat([]byte{1}, AuthLength)
	if _, err := other.Open(standard(), body); err == nil {
		t.Error("read without the secret")
	}
}

func FuzzOpen(f *testing.F) {
	k := rfcKeys(f)
	f.Add("aes128gcm", "", "", decode64(f, rfcBody))
	f.Add("aesgcm", "salt="+draftSalt, "dh="+draftKey, decode64(f, draftBody))
	f.Add("aesgcm", `salt="a";;,=`, "dh=,dh", []byte{0})
	f.Fuzz(func(t *testing.T, encoding, encryption, key string, body []byte) {
		h := http.Header{"Content-Encoding": {encoding}, "Encryption": {encryption}, "Crypto-Key": {key}}
		if plain, err := k.Open(h, body); err == nil && len(plain) > len(body) {
			t.Errorf("%d bytes of %d", len(plain), len(body))
		}
	})
}
