package webpush

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	library "github.com/SherClockHolmes/webpush-go"
	"github.com/golang-jwt/jwt/v5"
)

// The sender of RFC 8291, appendix A.
const (
	rfcSender = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
	rfcSalt   = "DGv6ra1nlYgDCS1FRnbzlw"
)

func TestSealIsThatOfTheStandard(t *testing.T) {
	sender, err := ecdh.P256().NewPrivateKey(decode64(t, rfcSender))
	if err != nil {
		t.Fatal(err)
	}
	to, err := NewReceiver(rfcPublic, rfcAuth)
	if err != nil {
		t.Fatal(err)
	}
	body, err := to.seal([]byte(rfcText), 0, sender, decode64(t, rfcSalt))
	if err != nil || !bytes.Equal(body, decode64(t, rfcBody)) {
		t.Errorf("%x, %v", body, err)
	}
}

func TestSealedMessagesAreRead(t *testing.T) {
	k := rfcKeys(t)
	to, err := NewReceiver(k.Public(), k.Secret())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 511, 512, 3000, MaxText - 1, MaxText} {
		text := bytes.Repeat([]byte("ü"), n/2+1)[:n]
		body, err := to.Seal(text)
		if err != nil || len(body) > 4096 {
			t.Fatalf("%d bytes: sealed in %d, %v", n, len(body), err)
		}
		if got, err := k.Open(standard(), body); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes: read as %d, %v", n, len(got), err)
		}
	}
	short, _ := to.Seal([]byte("U1"))
	longer, _ := to.Seal([]byte(strings.Repeat("U1 ", 100)))
	if len(short) != len(longer) {
		t.Errorf("the length tells: %d and %d", len(short), len(longer))
	}
	if _, err := to.Seal(make([]byte, MaxText+1)); err == nil {
		t.Error("sealed what has no room")
	}
}

func TestKeysOfSubscriptions(t *testing.T) {
	point := decode64(t, rfcPublic)
	auth := bytes.Repeat([]byte{0xff}, 16)
	std := base64.StdEncoding.EncodeToString
	to, err := NewReceiver(std(point), std(auth))
	if err != nil {
		t.Fatalf("with padding: %v", err)
	}
	if p, a := to.Keys(); p != rfcPublic || a != "_____________________w" {
		t.Errorf("stored as %s, %s", p, a)
	}
	for name, c := range map[string]struct {
		p256dh, auth string
		want         error
	}{
		"no key":       {"", rfcAuth, ErrPublicKey},
		"no base64":    {"B*", rfcAuth, ErrPublicKey},
		"half a key":   {rfcPublic[:40], rfcAuth, ErrPublicKey},
		"no point":     {"BC" + strings.Repeat("A", 85), rfcAuth, ErrPublicKey},
		"infinity":     {"AA", rfcAuth, ErrPublicKey},
		"no auth":      {rfcPublic, "", ErrAuth},
		"auth of 15":   {rfcPublic, std(auth[:15]), ErrAuth},
		"auth of 17":   {rfcPublic, std(append([]byte{1}, auth...)), ErrAuth},
		"auth of dots": {rfcPublic, "......", ErrAuth},
	} {
		if _, err := NewReceiver(c.p256dh, c.auth); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Tokens are what services check: see RFC 8292, 2.
func TestSignature(t *testing.T) {
	s, err := NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	private, err := s.Private()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSigner(private)
	if err != nil || again.Public() != s.Public() {
		t.Fatalf("read again: %v", err)
	}
	until := time.Now().Add(time.Hour)
	got, err := again.Authorization("https://push.example", "https://tickets.example", until)
	if err != nil {
		t.Fatal(err)
	}
	token, key, ok := strings.Cut(strings.TrimPrefix(got, "vapid t="), ", k=")
	if !ok || key != s.Public() || !strings.HasPrefix(got, "vapid t=") {
		t.Fatalf("header %q", got)
	}
	claims := jwt.MapClaims{}
	_, err = jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return &s.key.PublicKey, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience("https://push.example"), jwt.WithExpirationRequired())
	if err != nil || claims["sub"] != "https://tickets.example" || claims["exp"] != float64(until.Unix()) {
		t.Errorf("claims %v, %v", claims, err)
	}
	for _, bad := range []string{"", "x", "AAAA", private + "AA"} {
		if _, err := ParseSigner(bad); err == nil {
			t.Errorf("read %q", bad)
		}
	}
}

// A message of another implementation is read, with its keys in its spelling.
func TestTheLibraryIsRead(t *testing.T) {
	k := rfcKeys(t)
	private, public, err := library.GenerateVAPIDKeys()
	if err != nil {
		t.Fatal(err)
	}
	service := &recorder{}
	_, err = library.SendNotification([]byte(rfcText), &library.Subscription{Endpoint: "https://push.example/1",
		Keys: library.Keys{P256dh: k.Public(), Auth: k.Secret()}}, &library.Options{HTTPClient: service, VAPIDPrivateKey: private, VAPIDPublicKey: public})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Open(standard(), service.body); err != nil || string(got) != rfcText {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzNewReceiver(f *testing.F) {
	f.Add(rfcPublic, rfcAuth)
	f.Add("BC==", "+/==")
	f.Fuzz(func(t *testing.T, p256dh, auth string) {
		to, err := NewReceiver(p256dh, auth)
		if err != nil {
			return
		}
		if again, err := NewReceiver(to.Keys()); err != nil || !again.public.Equal(to.public) {
			t.Errorf("%q is not read as it is stored: %v", p256dh, err)
		}
		if _, err := to.Seal([]byte(rfcText)); err != nil {
			t.Errorf("%q cannot be sealed for: %v", p256dh, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	k := Keys{private, make([]byte, AuthLength)}
	text := make([]byte, 600)
	for b.Loop() {
		to, err := NewReceiver(k.Public(), k.Secret())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := to.Seal(text); err != nil {
			b.Fatal(err)
		}
	}
}

// recorder keeps what would be sent.
type recorder struct{ body []byte }

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	var err error
	r.body, err = io.ReadAll(req.Body)
	return &http.Response{StatusCode: http.StatusCreated, Body: http.NoBody}, err
}
