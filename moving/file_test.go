package moving_test

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/internal/slow"
	"ticketfrei/moving"
	"ticketfrei/moving/movingtest"
)

// TestBadFiles reads what is no database of Ticketfrei 2: each is told in a sentence.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(movingtest.Make(t, movingtest.Read(t, "testdata/ticketfrei2.sql")))
	if err != nil {
		t.Fatal(err)
	}
	file := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	broken := bytes.Clone(whole)
	for i := 4096; i < len(broken) && i < 5*4096; i++ {
		broken[i] = 0xaa
	}
	for name, test := range map[string]struct{ path, says string }{
		"nothing there": {filepath.Join(t.TempDir(), "gone"), "there is no file"},
		"a directory":   {t.TempDir(), "is a directory"},
		"empty":         {file(nil), "is empty"},
		"a text":        {file([]byte(strings.Repeat("[web]\nhost = 'x'\n", 100))), "is no database of SQLite, or it is encrypted"},
		"short":         {file(whole[:60]), "is no database of SQLite"},
		"encrypted":     {file(bytes.Repeat([]byte{0x5a, 0x17, 0x99}, 40000)), "is no database of SQLite, or it is encrypted"},
		"truncated":     {file(whole[:len(whole)/2]), "it is damaged, or not whole"},
		"overwritten":   {file(broken), "it is damaged, or not whole"},
		"Kibicara":      {movingtest.Make(t, "CREATE TABLE hoods (id INTEGER)", "CREATE TABLE admins (id INTEGER)"), "but of Kibicara"},
		"ours":          {movingtest.Make(t, "CREATE TABLE core_migrations (id TEXT)", "CREATE TABLE cities (id INTEGER)"), "but of Ticketfrei 3 itself"},
		"another":       {movingtest.Make(t, "CREATE TABLE notes (id INTEGER)"), "but of another program"},
		"no table":      {movingtest.Make(t, "CREATE TABLE x (id INTEGER)", "DROP TABLE x"), "no database of Ticketfrei 2"},
	} {
		_, err := moving.ReadTicketfrei2(t.Context(), test.path, moving.Options{})
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFileThatIsWrittenTo reads databases that another program has open: what it has stored is
// there, what it is storing is not, and nothing is left beside the file.
func TestFileThatIsWrittenTo(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"delete", "wal"} {
		path := movingtest.Make(t, movingtest.Read(t, "testdata/ticketfrei2.sql"), "PRAGMA journal_mode = "+mode)
		d, err := sql.Open("sqlite3", path)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, err := d.ExecContext(t.Context(), "INSERT INTO mailinglist (user_id, email) VALUES (1, 'stored@example.org')"); err != nil {
			t.Fatal(err)
		}
		tx, err := d.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO mailinglist (user_id, email) VALUES (1, 'not@example.org')"); err != nil {
			t.Fatal(err)
		}
		from, err := moving.ReadTicketfrei2(t.Context(), path, moving.Options{})
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		if got := addresses(from.Cities[0].Bots[0]); len(got) != 6 || got[5] != "stored@example.org" {
			t.Errorf("%s: subscribers are %q", mode, got)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFileLeftWithItsLog reads a database whose program was killed: what was written last stands
// beside it, in a directory that may not be written to.
func TestFileLeftWithItsLog(t *testing.T) {
	t.Parallel()
	path := movingtest.Make(t, movingtest.Read(t, "testdata/ticketfrei2.sql"), "PRAGMA journal_mode = wal")
	d, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.ExecContext(t.Context(), "INSERT INTO mailinglist (user_id, email) VALUES (1, 'last@example.org')"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "killed"+suffix), raw, 0o400)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	from, err := moving.ReadTicketfrei2(t.Context(), filepath.Join(dir, "killed"), moving.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := addresses(from.Cities[0].Bots[0]); len(got) != 6 {
		t.Errorf("subscribers are %q", got)
	}
}

// TestSettingsOfTicketfrei2 reads where mail to the cities went.
func TestSettingsOfTicketfrei2(t *testing.T) {
	t.Parallel()
	path := movingtest.Make(t, movingtest.Read(t, "testdata/ticketfrei2.sql"))
	for _, test := range []struct{ settings, domain, err string }{
		{"[web]\nhost = \"TF.example.org\"\nport = 80\n[mail]\nmbox_user = \"www-data\"\n[database]\ndb_path = \"/var/x\"\n", "tf.example.org", ""},
		{"[web]\nhost = \"0.0.0.0\"\n", "", ""},
		{"[web]\nurl = \"https://tickets.example\"\n", "", "name ours with --settings"},
		{"[web\n", "", "settings of Ticketfrei 2"},
	} {
		settings := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(settings, []byte(test.settings), 0o600); err != nil {
			t.Fatal(err)
		}
		from, err := moving.ReadTicketfrei2(t.Context(), path, moving.Options{Settings: settings})
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) || from.Domain != test.domain {
			t.Errorf("%q: domain %q, %v", test.settings, from.Domain, err)
		}
	}
}

// TestLockedFile reads a database that another program does not let go of.
func TestLockedFile(t *testing.T) {
	slow.Test(t, "waits for a lock")
	t.Parallel()
	path := movingtest.Make(t, movingtest.Read(t, "testdata/ticketfrei2.sql"))
	d, err := sql.Open("sqlite3", path+"?_txlock=exclusive")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	tx, err := d.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := moving.ReadTicketfrei2(t.Context(), path, moving.Options{}); err == nil || !strings.Contains(err.Error(), "stop the program that it belongs to") {
		t.Errorf("said is %v", err)
	}
}
