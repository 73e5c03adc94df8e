package moving_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/nacl/secretbox"

	"ticketfrei/moving"
)

// Keys of installations, and links as those have made them.
var (
	jwtKey  = mustHex("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20")
	naclKey = mustHex("0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f")
)

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

const (
	jwtHead      = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
	riderLink    = jwtHead + "eyJlbWFpbCI6IlJpZGVyQEV4YW1wbGUub3JnIiwiY2l0eSI6Ik5cdTAwZmNybmJlcmcifQ.OhWIiBNIDkz3YEc8lPF3J4WUOrDquSjxiMP5IoyONps"
	zweiteLink   = jwtHead + "eyJlbWFpbCI6Inp3ZWl0ZUBleGFtcGxlLm9yZyIsImNpdHkiOiJOXHUwMGZjcm5iZXJnIn0.Rl3a8eAzZNIgyko7WFEpFtgIksoDSFFjjmhqmUuT8xM"
	leipzigLink  = jwtHead + "eyJlbWFpbCI6InJpZGVyQGV4YW1wbGUub3JnIiwiY2l0eSI6IkxlaXB6aWctU1x1MDBmY2QifQ.h-KCS27G6Hkct6HNRWXCvFIbFs2KdP8M3Y2Q8BE11vc"
	olderLink    = jwtHead + "eyJlbWFpbCI6InJpZGVyQGV4YW1wbGUub3JnIiwiY2l0eSI6Ik5cdTAwZmNybmJlcmcifQ.f37lCEeJ62afZ9nNk4Worws5zpLU1kSyBvGDykN3Yuw"
	algNoneLink  = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJlbWFpbCI6ICJyaWRlckBleGFtcGxlLm9yZyIsICJjaXR5IjogIk5cdTAwZmNybmJlcmcifQ."
	registerLink = jwtHead + "eyJlbWFpbCI6ImV2aWxAZXhhbXBsZS5vcmciLCJwYXNzaGFzaCI6IiRzMSQwZTA4MDEkTURFeU16UTFOamM0T1dGaVkyUmxaZz09JDF0TCtianVMZTN2Q0NwbGJXTVliSzBlVzJFU1JMSTlPd2ozbVBTbDlUb09uWjMwbjQySkNVUWFzakFiRXdKOEJaOGlFNVVMTUgwRDZXbkxBRWlPWllBPT0ifQ.DqldcopNOm7C-PLLuxZ9CqjBbvwfUwLcJo6sfEvQ9Zs"
)

// TestLinksOfTicketfrei2 reads those that end subscriptions, and no others.
func TestLinksOfTicketfrei2(t *testing.T) {
	signed := func(method jwt.SigningMethod, claims jwt.MapClaims, key any) string {
		s, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	claims := jwt.MapClaims{"email": "rider@example.org", "city": "Nürnberg"}
	for name, tt := range map[string]struct{ token, email, city string }{
		"capitals in the address": {riderLink, "rider@example.org", "Nürnberg"},
		"another subscriber":      {zweiteLink, "zweite@example.org", "Nürnberg"},
		"another city":            {leipzigLink, "rider@example.org", "Leipzig-Süd"},
		"a name with the address": {signed(jwt.SigningMethodHS256, jwt.MapClaims{"email": "Name <drei@Müller.example>", "city": "x"}, jwtKey), "drei@xn--mller-kva.example", "x"},
		"the key before":          {token: olderLink},
		"no signature":            {token: algNoneLink},
		"signature cut off":       {token: riderLink[:strings.LastIndexByte(riderLink, '.')+1]},
		"signature cut":           {token: riderLink[:len(riderLink)-1]},
		"signature changed":       {token: riderLink[:len(riderLink)-2] + "qs"},
		"city changed":            {token: leipzigLink[:len(jwtHead)] + riderLink[len(jwtHead):len(riderLink)-43] + leipzigLink[len(leipzigLink)-43:]},
		"a registration":          {token: registerLink},
		"a city and a password":   {token: signed(jwt.SigningMethodHS256, jwt.MapClaims{"email": "a@example.org", "city": "x", "passhash": "y"}, jwtKey)},
		"no city":                 {token: signed(jwt.SigningMethodHS256, jwt.MapClaims{"email": "a@example.org"}, jwtKey)},
		"no address":              {token: signed(jwt.SigningMethodHS256, jwt.MapClaims{"email": "nobody", "city": "x"}, jwtKey)},
		"a number":                {token: signed(jwt.SigningMethodHS256, jwt.MapClaims{"email": 7, "city": "x"}, jwtKey)},
		"another algorithm":       {token: signed(jwt.SigningMethodHS512, claims, jwtKey)},
		"none":                    {token: signed(jwt.SigningMethodNone, claims, jwt.UnsafeAllowNoneSignatureType)},
		"another key":             {token: signed(jwt.SigningMethodHS256, claims, []byte("x"))},
		"empty":                   {token: ""},
		"dots":                    {token: ".."},
		"endless":                 {token: signed(jwt.SigningMethodHS256, jwt.MapClaims{"email": "a@example.org", "city": strings.Repeat("x", 5000)}, jwtKey)},
	} {
		t.Run(name, func(t *testing.T) {
			email, city, err := moving.LinkOfTicketfrei2(jwtKey, tt.token)
			if email != tt.email || city != tt.city || (tt.email == "") != errors.Is(err, moving.ErrLink) {
				t.Errorf("%q, %q, %v", email, city, err)
			}
		})
	}
	if _, _, err := moving.LinkOfTicketfrei2(nil, signed(jwt.SigningMethodHS256, claims, []byte{})); !errors.Is(err, moving.ErrLink) {
		t.Errorf("without a key: %v", err)
	}
}

// text and number are as Python pickles them, and frame is what they stand in.
func text(s string) string { return "\x8c" + string(rune(len(s))) + s + "\x94" }

func frame(inner string) string {
	return "\x80\x04\x95" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(inner)))) + inner
}

func dict(inner string) string { return frame("}\x94(" + inner + "u.") }

func box(plain string) string {
	var nonce [24]byte
	copy(nonce[:], strings.Repeat("\x07", 24))
	return base64.URLEncoding.EncodeToString(secretbox.Seal(nonce[:], []byte(plain), &nonce, (*[32]byte)(naclKey)))
}

// TestLinksOfKibicara reads what Python has pickled and Kibicara sealed, in its one form.
func TestLinksOfKibicara(t *testing.T) {
	const sample = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH1LlAwoDqHzQzBnSmEbB9C0AQYl7Wlt8QSE6TluSmMSK-PCicg84kONoJkP5mYgjZW7Cc-0GqNirXtlS1jJIL7DzZ4A=="
	email := text("email") + text("abo@example.org")
	for name, tt := range map[string]struct {
		token, email string
		hood         int64
	}{
		"as it was sent":        {sample, "abo@example.org", 1},
		"without its end":       {strings.TrimRight(sample, "="), "abo@example.org", 1},
		"one that confirms":     {"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHk-TCdN8_3zGeakid3tiS0UAQYl7Wlt8QSE6TluSmMSOzPiaRexGru74Okt9qdv04JLKcoG69Kd82wlC_zZntwKnZ4A==", "neu@example.org", 3},
		"a number of two bytes": {box(dict(email + text("hood") + "M\x00\x01")), "abo@example.org", 256},
		"of four bytes":         {box(dict(email + text("hood") + "J\x00\x00\x01\x00")), "abo@example.org", 65536},
		"the other order":       {box(dict(text("hood") + "K\x05" + email)), "abo@example.org", 5},
		"capitals":              {box(dict(text("email") + text("Abo@Example.ORG") + text("hood") + "K\x05")), "abo@example.org", 5},

		"another thing":     {token: "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHW7dUzAd3YyOXLKSAbIZt-EAQYm7Wlt8QSE6TtuSmMSC1Pj2dhjTPo8b_c797jiK1WLnX"},
		"a call":            {token: box(frame("c" + "os\nsystem\n(S'id'\ntR."))},
		"a call as address": {token: box(dict(text("email") + "cos\nsystem\n" + text("hood") + "K\x05"))},
		"a negative number": {token: box(dict(email + text("hood") + "J\xff\xff\xff\xff"))},
		"no number":         {token: box(dict(email + text("hood") + text("1")))},
		"twice the address": {token: box(dict(email + email))},
		"the address alone": {token: box(dict(email))},
		"three":             {token: box(dict(email + text("hood") + "K\x05" + text("x") + text("y")))},
		"more behind it":    {token: box(dict(email+text("hood")+"K\x05") + "x")},
		"another protocol":  {token: box("\x80\x03" + dict(email + text("hood") + "K\x05")[2:])},
		"cut":               {token: box(dict(email + text("hood") + "K\x05")[:30])},
		"no address":        {token: box(dict(text("email") + text("abo") + text("hood") + "K\x05"))},
		"nothing":           {token: box("")},
		"a byte changed":    {token: strings.Replace(sample, "7DzZ", "7DzY", 1)},
		"empty":             {token: ""},
		"no base64":         {token: "!" + sample},
		"too short":         {token: "BwcH"},
	} {
		t.Run(name, func(t *testing.T) {
			email, hood, err := moving.LinkOfKibicara(naclKey, tt.token)
			if email != tt.email || hood != tt.hood || (tt.email == "") != errors.Is(err, moving.ErrLink) {
				t.Errorf("%q, %d, %v", email, hood, err)
			}
		})
	}
	for _, key := range [][]byte{nil, naclKey[:31], append([]byte{1}, naclKey[1:]...)} {
		if _, _, err := moving.LinkOfKibicara(key, sample); !errors.Is(err, moving.ErrLink) {
			t.Errorf("with the key %x: %v", key, err)
		}
	}
}

// FuzzLinkOfKibicara reads whatever somebody who knows the key has sealed.
func FuzzLinkOfKibicara(f *testing.F) {
	f.Add(dict(text("email") + text("abo@example.org") + text("hood") + "K\x05"))
	f.Add(dict(text("hood") + "M\x00\x01" + text("email") + text("a@b.example")))
	f.Add("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00")
	f.Add(frame("}\x94(\x8c\xff"))
	f.Fuzz(func(t *testing.T, plain string) {
		email, hood, err := moving.LinkOfKibicara(naclKey, box(plain))
		if err != nil {
			return
		}
		if !strings.Contains(email, "@") || hood <= 0 || !strings.HasPrefix(plain, "\x80\x04\x95") {
			t.Errorf("of %q came %q and %d", plain, email, hood)
		}
	})
}
