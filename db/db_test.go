package db_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

var silent = slog.New(slog.DiscardHandler)

func TestGroupedWritesFailAlone(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	const writers = 64
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			errs[i] = d.Write(t.Context(), func(tx *gorm.DB) error {
				if err := tx.Exec("INSERT INTO moderators (email, password, created) VALUES (?, '', 0)", fmt.Sprint(i)).Error; err != nil {
					return err
				}
				switch i % 8 {
				case 3:
					return errors.New("no")
				case 5:
					panic("no")
				}
				return nil
			})
		})
	}
	wg.Wait()
	for i, err := range errs {
		_, findErr := d.FindModerator(t.Context(), fmt.Sprint(i))
		failed := i%8 == 3 || i%8 == 5
		if (err != nil) != failed || errors.Is(findErr, db.ErrNotFound) != failed {
			t.Errorf("write %d: err = %v, row: %v", i, err, findErr)
		}
	}
}

func TestReadHandleRefusesWrites(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	if err := d.Read(t.Context()).Exec("DELETE FROM cities").Error; err == nil {
		t.Error("the read handle wrote")
	}
}

func TestWriteAfterClose(t *testing.T) {
	d, err := db.Open(t.Context(), t.TempDir(), clock, silent)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), func(*gorm.DB) error { return nil }); err == nil {
		t.Error("wrote to a closed database")
	}
}

func TestBotLogKeepsTheLastLines(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	dbtest.MustCreateCity(t, d, "city", "mail")
	for i := range db.LogLines + 7 {
		if err := d.AddLog(t.Context(), 1, db.LogLine{At: noon, Level: "INFO", Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := d.Log(t.Context(), 1, 1000)
	if err != nil || len(lines) != db.LogLines || lines[0].Text != fmt.Sprint(db.LogLines+6) {
		t.Errorf("%d lines, first %v, %v", len(lines), lines[0], err)
	}
	if err := d.AddLog(t.Context(), 99, db.LogLine{Text: "of a bot that is gone"}); err != nil {
		t.Error(err)
	}
}

func TestMigrations(t *testing.T) {
	one := &gormigrate.Migration{ID: "toy_0001", Migrate: db.SQL("CREATE TABLE toy_a (id INTEGER)")}
	two := &gormigrate.Migration{ID: "toy_0002", Migrate: db.SQL("ALTER TABLE toy_a ADD COLUMN name TEXT")}
	dir := t.TempDir()
	migrate := func(list ...*gormigrate.Migration) error {
		d, err := db.Open(t.Context(), dir, clock, silent)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		return d.Migrate(t.Context(), dbtest.MustMakeBox(t), map[string][]*gormigrate.Migration{"toy": list})
	}
	for name, list := range map[string][]*gormigrate.Migration{"first": {one}} {
		if err := migrate(list...); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := migrate(one, two); err != nil {
		t.Fatalf("upgrade: %v", err)
	}
	if err := migrate(one, two); err != nil {
		t.Fatalf("again: %v", err)
	}
	if err := migrate(one); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a database from the future: %v", err)
	}
}

func TestDamagedFileIsRefusedWithAdvice(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, db.FileName), []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := db.Open(t.Context(), dir, clock, silent)
	if err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("error = %v, want advice about the backup", err)
	}
}
