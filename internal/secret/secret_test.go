package secret_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/internal/secret"
)

func mustNew(tb testing.TB) *secret.Box {
	tb.Helper()
	box, err := secret.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return box
}

func TestSealedValueOpensOnlyInItsPlace(t *testing.T) {
	box := mustNew(t)
	sealed := box.Seal("accounts.token:1", "Schlüssel")
	if strings.Contains(sealed, "Schlüssel") {
		t.Fatal("sealed value shows the text")
	}
	if got, err := box.Open("accounts.token:1", sealed); err != nil || got != "Schlüssel" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	for name, place := range map[string]string{"other row": "accounts.token:2", "empty": ""} {
		if _, err := box.Open(place, sealed); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := box.Open("accounts.token:1", "not sealed"); err == nil {
		t.Error("garbage opened")
	}
}

func TestToken(t *testing.T) {
	box := mustNew(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	token := box.Sign("confirm", "rider@example.org", now.Add(48*time.Hour))
	forever := box.Sign("unsubscribe", "5", time.Time{})
	tests := []struct {
		name, purpose, token string
		now                  time.Time
		want                 string
		err                  error
	}{
		{"valid", "confirm", token, now.Add(48 * time.Hour), "rider@example.org", nil},
		{"expired", "confirm", token, now.Add(48*time.Hour + time.Second), "", secret.ErrTokenExpired},
		{"other purpose", "unsubscribe", token, now, "", secret.ErrTokenInvalid},
		{"never expires", "unsubscribe", forever, now.AddDate(50, 0, 0), "5", nil},
		{"changed", "confirm", token[:len(token)-2] + "AA", now, "", secret.ErrTokenInvalid},
		{"short", "confirm", "AAAA", now, "", secret.ErrTokenInvalid},
		{"empty", "confirm", "", now, "", secret.ErrTokenInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := box.Verify(tt.purpose, tt.token, tt.now)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("Verify = %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// formerToken was made by an earlier version with the key of mustNew: its payload
// "5 rider@example.org" can be read by everybody.
const formerToken = "yaBoFjGl4ZuDyyQcw72jcgAAAAAAAAAANSByaWRlckBleGFtcGxlLm9yZw"

func TestTokenShowsNothing(t *testing.T) {
	box := mustNew(t)
	lengths := map[int]bool{}
	for _, email := range []string{"a@b.de", "anna@riders.example"} {
		token := box.Sign("mail.unsubscribe", "5 "+email, time.Time{})
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		for _, shown := range []string{token, string(raw)} {
			for _, part := range []string{email, "riders", base64.RawURLEncoding.EncodeToString([]byte(email))} {
				if strings.Contains(shown, part) {
					t.Errorf("%s shows %q", token, part)
				}
			}
		}
		lengths[len(token)] = true
		if token != box.Sign("mail.unsubscribe", "5 "+email, time.Time{}) {
			t.Error("the same token is another one")
		}
		if other := box.Sign("mail.confirm", "5 "+email, time.Time{}); other[:16] == token[:16] || other[50:70] == token[50:70] {
			t.Error("tokens of two purposes are alike")
		}
	}
	if len(lengths) != 1 {
		t.Errorf("the length tells how long the address is: %v", lengths)
	}
}

func TestTokensOfEveryLength(t *testing.T) {
	box := mustNew(t)
	for n := range 300 {
		payload := strings.Repeat("x", n) + "\x00\x80\x00"
		token := box.Sign("p", payload, time.Time{})
		if got, err := box.Verify("p", token, time.Now()); err != nil || got != payload {
			t.Fatalf("%d characters: %q, %v", n, got, err)
		}
		for _, s := range []string{token, token + "and more", token[:32]} {
			if got := box.TokenLength(s); got != len(token) {
				t.Fatalf("TokenLength(%q) = %d, want %d", s, got, len(token))
			}
		}
		for _, s := range []string{"", token[:31], "x" + token, strings.ToUpper(token)} {
			if got := box.TokenLength(s); got != 0 {
				t.Fatalf("TokenLength(%q) = %d", s, got)
			}
		}
	}
}

func TestTokensOfEarlierVersionsHold(t *testing.T) {
	box := mustNew(t)
	if got, err := box.Verify("mail.unsubscribe", formerToken, time.Now()); err != nil || got != "5 rider@example.org" {
		t.Errorf("Verify = %q, %v", got, err)
	}
	if _, err := box.Verify("mail.confirm", formerToken, time.Now()); !errors.Is(err, secret.ErrTokenInvalid) {
		t.Errorf("for another purpose: %v", err)
	}
	if !secret.LooksLikeFormerToken(formerToken) || !box.IsFormerToken(formerToken) || box.IsFormerToken(formerToken[:50]) {
		t.Error("not known for one")
	}
	for _, s := range []string{"", formerToken[:31], box.Sign("mail.unsubscribe", "5", time.Time{}), strings.Repeat("Kontrolle", 9)} {
		if secret.LooksLikeFormerToken(s) {
			t.Errorf("%q is taken for one", s)
		}
	}
}

func FuzzToken(f *testing.F) {
	box := mustNew(f)
	f.Add(formerToken)
	f.Add(box.Sign("p", "5", time.Time{}))
	f.Add("AAAA\n" + strings.Repeat("A", 40))
	f.Fuzz(func(t *testing.T, s string) {
		// Nobody makes one without the key.
		if got, err := box.Verify("fuzz", s, time.Now()); err == nil {
			t.Errorf("Verify(%q) = %q", s, got)
		}
		box.TokenLength(s)
		secret.LooksLikeFormerToken(s)
	})
}

func TestHashesDiffer(t *testing.T) {
	box := mustNew(t)
	other, err := secret.New(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	const rider = "rider@example.org"
	a := box.Author(1, "mail", rider)
	if a != box.Author(1, "mail", rider) {
		t.Error("same author, different hash")
	}
	hashes := map[string]string{
		"author":             a,
		"in another city":    box.Author(2, "mail", rider),
		"on another network": box.Author(1, "mastodon", rider),
		"with another key":   other.Author(1, "mail", rider),
		"unverified":         box.Unverified(a),
		"report":             box.ReportID("mail", 1, "a"),
		"of another network": box.ReportID("mastodon", 1, "a"),
		"of another bot":     box.ReportID("mail", 2, "a"),
		"keyed otherwise":    other.ReportID("mail", 1, "a"),
		"not run together":   box.ReportID("mail1", 1, "a"),
	}
	seen := make(map[string]string)
	for name, hash := range hashes {
		if twin, ok := seen[hash]; ok {
			t.Errorf("%s and %s have the same hash", name, twin)
		}
		seen[hash] = name
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`).MatchString(hash) {
			t.Errorf("%s: %q cannot stand in a subject or an address", name, hash)
		}
	}
}

func TestOpenMakesOneKeyForAll(t *testing.T) {
	dir := t.TempDir()
	boxes := make([]*secret.Box, 8)
	var wg sync.WaitGroup
	for i := range boxes {
		wg.Go(func() { boxes[i], _ = secret.Open(dir, "") })
	}
	wg.Wait()
	for _, b := range boxes {
		if b == nil || b.Hash("n", "a") != boxes[0].Hash("n", "a") {
			t.Fatal("processes started at once have different keys")
		}
	}
	info, err := os.Stat(filepath.Join(dir, secret.FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v, %v", info.Mode(), err)
	}
}

func TestOpenRefusesBadKeys(t *testing.T) {
	write := func(text string, mode os.FileMode) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, secret.FileName), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	good := strings.Repeat("ab", 32)
	tests := []struct{ name, dir, key, want string }{
		{"readable by others", write(good, 0o644), "", "chmod 600"},
		{"cut short", write("abcd", 0o600), "", "backup"},
		{"bad setting", t.TempDir(), "abcd", "64 hexadecimal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := secret.Open(tt.dir, tt.key)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one about %q", err, tt.want)
			}
		})
	}
	if _, err := secret.Open(t.TempDir(), good); err != nil {
		t.Errorf("good key in the setting: %v", err)
	}
}
