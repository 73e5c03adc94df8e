package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/internal/config"
)

// TestSecretsInFiles has the key and the URL of the database in files of their own.
func TestSecretsInFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const url = "postgres://ticketfrei:hidden@db.example.org/ticketfrei"
	key := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		name  string
		env   []string
		wrong string
	}{
		{"both in files", []string{"SECRET_FILE=" + file("key", key+"\n"), "DATABASE_URL_FILE=" + file("url", url)}, ""},
		{"a key that is none", []string{"SECRET_FILE=" + file("short", "hidden")}, "secret: is not 64 hexadecimal digits"},
		{"no such file", []string{"SECRET_FILE=" + filepath.Join(dir, "none")}, "secret_file: " + filepath.Join(dir, "none") + ": no such file"},
		{"an empty file", []string{"DATABASE_URL_FILE=" + file("empty", "\n")}, "it is empty; write what database.url would be into it"},
		{"two lines", []string{"DATABASE_URL_FILE=" + file("two", url+"\nhidden\n")}, "it holds more than one line"},
		{"in both places", []string{"SECRET_FILE=" + file("key", key), "SECRET=" + key}, "secret_file: is set, but secret is too; set one of them"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var env []string
			for _, setting := range tt.env {
				env = append(env, "TICKETFREI_"+setting)
			}
			c, err := config.Load(config.Source{Defaults: defaults(t), Env: env})
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) || strings.Contains(err.Error(), "hidden") {
					t.Errorf("the error is %v, want %q", err, tt.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Secret != key || c.Database.URL != url {
				t.Errorf("read %q and %q", c.Secret, c.Database.URL)
			}
			var shown strings.Builder
			if err := c.Print(&shown, nil); err != nil || strings.Contains(shown.String(), "hidden") || strings.Contains(shown.String(), key) {
				t.Errorf("the secrets are printed: %v\n%s", err, &shown)
			}
		})
	}
}
