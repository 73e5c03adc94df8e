package db_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/slow"
)

// journal is a log that can be read while others write to it.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Split(strings.TrimSpace(j.text.String()), "\n")
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !so(); {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func openLogged(t *testing.T, dir string) (*db.DB, *journal) {
	t.Helper()
	j := &journal{}
	d, err := db.Open(t.Context(), dir, clock, slog.New(slog.NewTextHandler(j, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, j
}

func keep(t *testing.T, d *db.DB, size int) error {
	t.Helper()
	return d.Write(t.Context(), func(tx *gorm.DB) error {
		if err := tx.Exec("CREATE TABLE IF NOT EXISTS toy (text TEXT)").Error; err != nil {
			return err
		}
		return tx.Exec("INSERT INTO toy VALUES (zeroblob(?))", size).Error
	})
}

func TestLittleRoom(t *testing.T) {
	slow.Test(t, "the free space is looked at each second")
	dir := smallDisk(t, "64") // of which an eighth must be free
	ballast := filepath.Join(dir, "ballast")
	d, j := openLogged(t, dir)
	if err := d.Full(); err != nil {
		t.Fatalf("at first: %v", err)
	}
	for range 2 {
		if err := os.WriteFile(ballast, make([]byte, 58<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		eventually(t, "full", func() bool { return d.Full() != nil })
		if err := d.Full(); !errors.Is(err, db.ErrFull) || !strings.Contains(err.Error(), dir) {
			t.Errorf("error = %v", err)
		}
		if err := keep(t, d, 1000); err != nil {
			t.Errorf("what is stored all the same: %v", err)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		eventually(t, "room again", func() bool { return d.Full() == nil })
	}
	lines := j.lines()
	if len(lines) != 3 || !strings.Contains(lines[0], "level=ERROR") || !strings.Contains(lines[1], "level=INFO") || !strings.Contains(lines[2], "level=INFO") {
		t.Errorf("log: %q, want one error a minute at most, and each end", lines)
	}
}

func TestFullAtTheStart(t *testing.T) {
	dir := smallDisk(t, "16")
	if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 15<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	d, _ := openLogged(t, dir)
	if err := d.Full(); !errors.Is(err, db.ErrFull) {
		t.Errorf("error = %v, want ErrFull", err)
	}
}

// A disk that is full to the last byte fails each write, and what was stored
// stays; when there is room, everything goes on by itself.
func TestNoRoomAtAll(t *testing.T) {
	slow.Test(t, "the free space is looked at each second")
	dir := smallDisk(t, "64")
	d, _ := openLogged(t, dir)
	if err := keep(t, d, 1000); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 64<<20), 0o600); err == nil {
		t.Fatal("there was room for more than the disk has")
	}
	var failed error
	for i := 0; i < 1000 && failed == nil; i++ {
		failed = keep(t, d, 100_000)
	}
	if failed == nil {
		t.Fatal("writes go on without room")
	}
	if err := d.Full(); !errors.Is(err, db.ErrFull) {
		t.Errorf("right after a write failed: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "room again", func() bool { return d.Full() == nil })
	if err := keep(t, d, 1_000_000); err != nil {
		t.Error(err)
	}
	if got := integrity(t, filepath.Join(dir, db.FileName)); got != "ok" {
		t.Errorf("integrity: %s", got)
	}
}

// Where the disk has room and takes no writes all the same, as with a quota, the
// store is full until one succeeds.
func TestWritesFailThoughThereIsRoom(t *testing.T) {
	slow.Test(t, "a write is tried each second")
	d, j := openLogged(t, t.TempDir())
	bound := func(pages string) {
		t.Helper()
		if err := d.Write(t.Context(), func(tx *gorm.DB) error { return tx.Exec("PRAGMA max_page_count = " + pages).Error }); err != nil {
			t.Fatal(err)
		}
	}
	bound("20")
	if err := keep(t, d, 1<<20); err == nil {
		t.Fatal("no error")
	}
	if err := d.Full(); !errors.Is(err, db.ErrFull) {
		t.Errorf("error = %v, want ErrFull", err)
	}
	bound("1000000")
	eventually(t, "a write succeeds", func() bool { return d.Full() == nil })
	if err := keep(t, d, 1<<20); err != nil {
		t.Error(err)
	}
	if lines := j.lines(); len(lines) != 2 {
		t.Errorf("log: %q", lines)
	}
}
