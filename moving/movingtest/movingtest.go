// Package movingtest makes databases of other programs for tests.
package movingtest

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// Make returns the path of a new database in which the statements were run.
func Make(t testing.TB, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.sqlite")
	Run(t, path, statements...)
	return path
}

// Run runs statements in a database.
func Run(t testing.TB, path string, statements ...string) {
	t.Helper()
	d, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := d.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// Read returns the statements in a file.
func Read(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
