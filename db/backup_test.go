package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
)

// TestBackupIsForItsOwner makes copies where nothing but the program keeps
// others from reading them.
func TestBackupIsForItsOwner(t *testing.T) {
	before := syscall.Umask(0)
	t.Cleanup(func() { syscall.Umask(before) })
	d := dbtest.MustOpen(t, clock, nil)
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := d.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	made, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if made.Mode() != 0o600 {
		t.Errorf("the copy has mode %v", made.Mode())
	}
	if err := d.Backup(t.Context(), path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a copy over a copy: %v", err)
	}
	after, err := os.Stat(path)
	if err != nil || after.Size() != made.Size() || after.Size() == 0 {
		t.Errorf("the first copy is no longer whole: %v", err)
	}
}

func TestFailedBackupLeavesNoFile(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	path := filepath.Join(t.TempDir(), "copy.db")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Backup(ctx, path); err == nil {
		t.Fatal("no error")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty copy is still there: %v", err)
	}
}

func TestBackupCanBeOpened(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	dbtest.MustCreateCity(t, d, "city")
	dir := t.TempDir()
	if err := d.Backup(t.Context(), filepath.Join(dir, db.FileName)); err != nil {
		t.Fatal(err)
	}
	restored, err := db.Open(t.Context(), dir, clock, silent)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	if _, err := restored.FindCity(t.Context(), "city"); err != nil {
		t.Error(err)
	}
}

// integrity asks SQLite whether a database is whole.
func integrity(t *testing.T, path string) string {
	t.Helper()
	pool, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var answer string
	if err := pool.QueryRow("PRAGMA integrity_check").Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// A copy is the database at one moment, whatever is written meanwhile, and holds
// nothing that was deleted before.
func TestBackupWhileOthersWrite(t *testing.T) {
	a := openArchive(t)
	a.hear("deleted", strings.Repeat("deletedmark ", 500))
	a.now = a.now.Add(25 * time.Hour)
	for i := range 40 {
		a.hear(fmt.Sprint(i), strings.Repeat("x", 10000))
	}
	a.deleteExpired()
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			err := a.Write(context.Background(), func(tx *gorm.DB) error {
				if err := tx.Exec("INSERT INTO outcomes (report, bot_id) VALUES (?, 1)", -i).Error; err != nil {
					return err
				}
				return tx.Exec("INSERT INTO outcomes (report, bot_id) VALUES (?, 2)", -i).Error
			})
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	dir := t.TempDir()
	path := filepath.Join(dir, db.FileName)
	err := a.Backup(t.Context(), path)
	stop()
	writing.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if got := integrity(t, path); got != "ok" {
		t.Errorf("integrity: %s", got)
	}
	a.dir = dir
	if found := a.found("deletedmark"); len(found) != 0 {
		t.Errorf("the copy holds %v", found)
	}
	a.open()
	if rows := a.rows("reports", "outcomes"); rows["reports"] != 40 || rows["outcomes"]%2 != 0 {
		t.Errorf("the copy is not of one moment: %v", rows)
	}
}

func TestBackupEndsWithItsContext(t *testing.T) {
	a := openArchive(t)
	a.hear("1", strings.Repeat("x", 8<<20))
	path := filepath.Join(t.TempDir(), "copy.db")
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- a.Backup(ctx, path) }()
	for begun := false; !begun; {
		info, err := os.Stat(path)
		begun = err == nil && info.Size() > 0
		if len(result) > 0 {
			t.Fatalf("the backup ended before it could be stopped: %v", <-result)
		}
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
