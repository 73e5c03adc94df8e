package db_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ticketfrei/db"
)

// forgetful makes a database as earlier versions did, which left in the file
// what they deleted.
func forgetful(t *testing.T, dir string) {
	t.Helper()
	pool, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, db.FileName)+"?_journal_mode=WAL")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, s := range []string{
		"CREATE TABLE diary (id INTEGER PRIMARY KEY, text TEXT)",
		"INSERT INTO diary (text) VALUES ('" + strings.Repeat("deletedmark ", 2000) + "'), ('deletedmark'), ('keptmark')",
		"DELETE FROM diary WHERE id < 3",
	} {
		if _, err := pool.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRewriteLeavesWhatIsThere(t *testing.T) {
	a := &archive{t: t, dir: t.TempDir(), now: noon}
	forgetful(t, a.dir)
	if len(a.found("deletedmark")) == 0 {
		t.Fatal("the file holds nothing that was deleted: this test finds nothing")
	}
	// One that was killed may leave its copy.
	left := filepath.Join(a.dir, db.FileName+".rewrite")
	if err := os.WriteFile(left, []byte("deletedmark"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.open()
	for range 2 { // the second time nothing is to be done
		if err := a.Rewrite(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if found := a.found("deletedmark"); len(found) != 0 {
		t.Errorf("still there: %v", found)
	}
	var text string
	if err := a.ReadRow(t.Context(), "SELECT text FROM diary").Scan(&text); err != nil || text != "keptmark" {
		t.Errorf("text = %q, %v", text, err)
	}
	a.exec("INSERT INTO diary (text) VALUES ('written afterwards')")
	if got := integrity(t, filepath.Join(a.dir, db.FileName)); got != "ok" {
		t.Errorf("integrity: %s", got)
	}
}

func TestRewriteOfANewDatabase(t *testing.T) {
	a := openArchive(t)
	a.hear("1", "keptmark")
	if err := a.Rewrite(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := a.rows("reports"); rows["reports"] != 1 {
		t.Errorf("rows = %v", rows)
	}
}

// smallDisk mounts a file system of that many megabytes, or skips the test
// without the right to do so.
func smallDisk(t *testing.T, megabytes string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+megabytes+"m"); err != nil {
		t.Skipf("a disk that can be filled up needs the right to mount one: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func TestRewriteWithoutRoom(t *testing.T) {
	a := &archive{t: t, dir: smallDisk(t, "16"), now: noon}
	forgetful(t, a.dir)
	ballast := filepath.Join(a.dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 14<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	a.open()
	if err := a.Rewrite(t.Context()); err == nil || !strings.Contains(err.Error(), "make room") || !strings.Contains(err.Error(), a.dir) {
		t.Errorf("error = %v, want advice", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := a.Rewrite(t.Context()); err != nil {
		t.Error(err)
	}
	if found := a.found("deletedmark", "keptmark"); len(found) != 1 {
		t.Errorf("found %v", found)
	}
}
