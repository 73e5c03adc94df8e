package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/internal/secret"
)

// TestOldDirectoryNeedsItsKey starts on a directory whose key is not there, or is
// another: nothing may be sealed with a key that is not its own.
func TestOldDirectoryNeedsItsKey(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, key string)
		says   string
	}{
		{"missing", func(t *testing.T, key string) {
			if err := os.Remove(key); err != nil {
				t.Fatal(err)
			}
		}, "restore"},
		{"another", func(t *testing.T, key string) {
			if err := os.WriteFile(key, []byte(strings.Repeat("ab", 32)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "another secret key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, _ := unpackOld(t)
			t.Setenv("TICKETFREI_DATA", dir)
			key := filepath.Join(dir, secret.FileName)
			before, err := os.ReadFile(key)
			if err != nil {
				t.Fatal(err)
			}
			tt.change(t, key)
			var out bytes.Buffer
			for _, command := range [][]string{{"city", "list"}, {"serve"}} {
				out.Reset()
				if code := runCommand(t.Context(), t, &out, &out, command...); code != exitError || !strings.Contains(out.String(), tt.says) {
					t.Errorf("%s: exit code %d\n%s", command, code, out.String())
				}
			}
			if err := os.WriteFile(key, before, 0o600); err != nil {
				t.Fatal(err)
			}
			out.Reset()
			if code := runCommand(t.Context(), t, &out, &out, "city", "list"); code != exitOK {
				t.Errorf("with its key: exit code %d\n%s", code, out.String())
			}
		})
	}
}

// TestMovedDirectoryNeedsItsKey does the same with the tables of today.
func TestMovedDirectoryNeedsItsKey(t *testing.T) {
	dir, _ := unpackOld(t)
	t.Setenv("TICKETFREI_DATA", dir)
	var out bytes.Buffer
	if code := runCommand(t.Context(), t, &out, &out, "city", "list"); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, out.String())
	}
	if err := os.Remove(filepath.Join(dir, secret.FileName)); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if code := runCommand(t.Context(), t, &out, &out, "city", "list"); code != exitError || !strings.Contains(out.String(), "restore") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
	if _, err := os.Stat(filepath.Join(dir, secret.FileName)); err == nil {
		t.Error("a new key was made")
	}
}
