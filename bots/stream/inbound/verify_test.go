package inbound_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/stream/inbound"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

const body = `{"text":"U1 Plärrer"}`

// mac is an HMAC-SHA256.
func mac(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

const whKey = "0123456789abcdefghijklmnopqrstuv"

var whSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(whKey))

// standard signs as the specification of standard-webhooks says.
func standard(key, id string, at time.Time, body string) http.Header {
	t := strconv.FormatInt(at.Unix(), 10)
	return header("webhook-id", id, "webhook-timestamp", t,
		"webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac(key, id+"."+t+"."+body)))
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// with is a header in which one thing is another.
func with(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Set(name, value)
	return h
}

func verify(t *testing.T, preset inbound.Preset, secret string, h http.Header, body string) (inbound.Message, error) {
	t.Helper()
	v := inbound.Verifier{SNS: inbound.NewNotifications(&http.Client{}, nil)}
	return v.Verify(t.Context(), preset, secret, inbound.Post{Header: h, Body: []byte(body), Time: now})
}

// wantRefused wants a refusal that names the place.
func wantRefused(t *testing.T, err error, status int, where string) {
	t.Helper()
	r, ok := errors.AsType[*inbound.Refusal](err)
	if !ok || r.Status != status || r.Where != where {
		t.Errorf("refused with %+v, want %d at %s", err, status, where)
	}
}

func TestStandardWebhooks(t *testing.T) {
	good := standard(whKey, "msg_1", now, body)
	m, err := verify(t, inbound.StandardWebhooks, whSecret, good, body)
	if err != nil || m.ID != "msg_1" || string(m.Body) != body {
		t.Fatalf("%+v, %v", m, err)
	}
	again, err := verify(t, inbound.StandardWebhooks, whSecret, standard(whKey, "msg_1", now.Add(time.Minute), body), body)
	if err != nil || again.ID != m.ID || again.Once == m.Once {
		t.Errorf("another attempt: %+v, %v", again, err)
	}
	signature := good.Get("webhook-signature")
	if _, err := verify(t, inbound.StandardWebhooks, whSecret, with(good, "webhook-signature", "v1a,xyz v1,AAAA "+signature), body); err != nil {
		t.Errorf("with the signature of an old secret before it: %v", err)
	}
	for name, c := range map[string]struct {
		header http.Header
		body   string
		where  string
	}{
		"another body":    {good, body + " ", "webhook-signature"},
		"another id":      {with(good, "webhook-id", "msg_2"), body, "webhook-signature"},
		"another key":     {standard("another"+whKey, "msg_1", now, body), body, "webhook-signature"},
		"version":         {with(good, "webhook-signature", "v2"+signature[2:]), body, "webhook-signature"},
		"no base64":       {with(good, "webhook-signature", "v1,ä"), body, "webhook-signature"},
		"empty signature": {with(good, "webhook-signature", "v1,"), body, "webhook-signature"},
		"none":            {http.Header{}, body, "webhook-id"},
		"no time":         {with(good, "webhook-timestamp", ""), body, "webhook-timestamp"},
		"no number":       {with(good, "webhook-timestamp", "noon"), body, "webhook-timestamp"},
		"too old":         {standard(whKey, "msg_1", now.Add(-301*time.Second), body), body, "webhook-timestamp"},
		"from the future": {standard(whKey, "msg_1", now.Add(301*time.Second), body), body, "webhook-timestamp"},
		"a long id":       {standard(whKey, strings.Repeat("i", 300), now, body), body, "webhook-id"},
		"9th of many":     {with(good, "webhook-signature", strings.Repeat("v1,AAAA ", 8)+signature), body, "webhook-signature"},
		"long ago":        {with(good, "webhook-timestamp", "-99999999999999999"), body, "webhook-timestamp"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(t, inbound.StandardWebhooks, whSecret, c.header, c.body)
			wantRefused(t, err, http.StatusUnauthorized, "header."+c.where)
		})
	}
}

func TestSignedAsGitHubDoes(t *testing.T) {
	const secret, where = "It's a Secret to Everybody", "header.x-hub-signature-256"
	// The example in GitHub's documentation of its webhooks.
	const known = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	if _, err := verify(t, inbound.SHA256, secret, header("X-Hub-Signature-256", known), "Hello, World!"); err != nil {
		t.Error(err)
	}
	good := "sha256=" + hex.EncodeToString(mac(secret, body))
	if m, err := verify(t, inbound.SHA256, secret, header("X-Hub-Signature-256", good), body); err != nil || m.ID != "" {
		t.Errorf("%+v, %v", m, err)
	}
	for _, wrong := range []string{"", "sha256=", "sha1=" + good[7:], good[7:], good[:len(good)-2], good + "00", "sha256=zz"} {
		_, err := verify(t, inbound.SHA256, secret, header("X-Hub-Signature-256", wrong), body)
		wantRefused(t, err, http.StatusUnauthorized, where)
	}
	_, err := verify(t, inbound.SHA256, secret, header("X-Hub-Signature-256", good), body+"\n")
	wantRefused(t, err, http.StatusUnauthorized, where)
}

func TestBearer(t *testing.T) {
	const secret = "a-secret-of-a-sensor"
	for _, good := range []string{"Bearer " + secret, "bearer " + secret, "BEARER  " + secret} {
		if _, err := verify(t, inbound.Bearer, secret, header("Authorization", good), body); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, wrong := range []string{"", "Bearer", "Bearer ", secret, "Basic " + secret, "Bearer " + secret + "x", "Bearer " + secret[1:]} {
		_, err := verify(t, inbound.Bearer, secret, header("Authorization", wrong), body)
		wantRefused(t, err, http.StatusUnauthorized, "header.authorization")
	}
}

func TestSecrets(t *testing.T) {
	for _, p := range []inbound.Preset{inbound.StandardWebhooks, inbound.SHA256, inbound.SNS, inbound.Bearer} {
		a, b := inbound.NewSecret(p), inbound.NewSecret(p)
		if a == b && p != inbound.SNS || !inbound.FitsSecret(p, a) {
			t.Errorf("%s: %q, %q", p, a, b)
		}
	}
	long := func(n int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", n)))
	}
	for _, c := range []struct {
		preset inbound.Preset
		secret string
		fits   bool
	}{
		{inbound.StandardWebhooks, long(24), true}, {inbound.StandardWebhooks, long(64), true},
		{inbound.StandardWebhooks, long(23), false}, {inbound.StandardWebhooks, long(65), false},
		{inbound.StandardWebhooks, "whsec_ä", false}, {inbound.StandardWebhooks, "", false},
		{inbound.SHA256, "0123456789abcdef", true}, {inbound.SHA256, "0123456789abcde", false},
		{inbound.Bearer, "0123456789 abcdef", false}, {inbound.Bearer, strings.Repeat("x", 201), false},
		{inbound.SNS, "arn:aws:sns:eu-central-1:123456789012:kontrollen", true},
		{inbound.SNS, "arn:aws-cn:sns:cn-north-1:123456789012:a.fifo", true},
		{inbound.SNS, "arn:aws:sqs:eu-central-1:123456789012:kontrollen", false}, {inbound.SNS, "kontrollen", false},
	} {
		if inbound.FitsSecret(c.preset, c.secret) != c.fits {
			t.Errorf("%s: %q fits: %v", c.preset, c.secret, !c.fits)
		}
	}
}

func TestContentTypes(t *testing.T) {
	for _, c := range []struct {
		preset      inbound.Preset
		kind, body  string
		takesItAsIs bool
	}{
		{inbound.Bearer, "application/json", body, true},
		{inbound.Bearer, "application/json; charset=utf-8", body, true},
		{inbound.Bearer, "application/cloudevents+json", body, true},
		{inbound.Bearer, "", body, true},
		{inbound.Bearer, "application/x-www-form-urlencoded", "\n" + body, true}, // what curl says
		{inbound.Bearer, "application/x-www-form-urlencoded", "text=U1", false},
		{inbound.Bearer, "text/plain", body, false},
		{inbound.Bearer, "application/xml", body, false},
		{inbound.Bearer, "multipart/form-data; boundary=x", body, false},
		{inbound.Bearer, "/;;", body, false},
		{inbound.SNS, "text/plain; charset=UTF-8", body, true},
	} {
		if inbound.TakesType(c.preset, c.kind, []byte(c.body)) != c.takesItAsIs {
			t.Errorf("%s, %s, %s: %v", c.preset, c.kind, c.body, !c.takesItAsIs)
		}
	}
}

// Whatever stands in the headers, nothing that is not signed is taken.
func FuzzSignatures(f *testing.F) {
	f.Add("msg_1", "1795780800", "v1,AAAA", "sha256=00", "Bearer x", body)
	f.Add("", "-1", "v1,v1 v1,=", "sha256=", "bearer", "")
	f.Fuzz(func(t *testing.T, id, at, signature, hub, authorization, body string) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signature},
			"X-Hub-Signature-256": {hub}, "Authorization": {authorization}}
		for _, p := range []inbound.Preset{inbound.StandardWebhooks, inbound.SHA256, inbound.Bearer} {
			secret := inbound.NewSecret(p)
			_, err := verify(t, p, secret, h, body)
			if r, ok := errors.AsType[*inbound.Refusal](err); !ok || r.Status != http.StatusUnauthorized {
				t.Errorf("%s: %v", p, err)
			}
		}
	})
}
