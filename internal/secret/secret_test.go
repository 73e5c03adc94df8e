package secret_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
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

func TestAuthorDiffersByNetworkAndKey(t *testing.T) {
	box := mustNew(t)
	other, err := secret.New(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	a := box.Author("mail", "rider@example.org")
	if a != box.Author("mail", "rider@example.org") {
		t.Error("same author, different hash")
	}
	if a == box.Author("mastodon", "rider@example.org") || a == other.Author("mail", "rider@example.org") {
		t.Error("hash does not depend on network and key")
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
		if b == nil || b.Author("n", "a") != boxes[0].Author("n", "a") {
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
