package db_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
)

// slugs looks into the database in dir, and returns the cities that are there.
func slugs(t *testing.T, dir string) []string {
	t.Helper()
	d, err := db.OpenReadOnly(t.Context(), dir, clock, silent)
	if err != nil {
		t.Fatal(err)
	}
	list, err := db.ReadColumn[string](t.Context(), d, "SELECT slug FROM cities ORDER BY slug")
	if err = errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	return list
}

// copyFiles copies the files of a database, as those of a machine that lost power.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, end := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(filepath.Join(from, db.FileName+end))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, db.FileName+end), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLookingIntoADatabase looks while a program writes, after it was killed, and after
// it has ended.
func TestLookingIntoADatabase(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	d, err := db.Open(t.Context(), dir, clock, silent)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), nil); err != nil {
		t.Fatal(err)
	}
	dbtest.MustCreateCity(t, d, "fuerth")
	if diff := cmp.Diff([]string{"fuerth"}, slugs(t, dir)); diff != "" {
		t.Errorf("beside a program:\n%s", diff)
	}
	dbtest.MustCreateCity(t, d, "graz") // which the look must not have hindered
	copyFiles(t, dir, killed)
	if diff := cmp.Diff([]string{"fuerth", "graz"}, slugs(t, killed)); diff != "" {
		t.Errorf("after it was killed:\n%s", diff)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"fuerth", "graz"}, slugs(t, dir)); diff != "" {
		t.Errorf("after it has ended:\n%s", diff)
	}
	if there, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(there) != 1 {
		t.Errorf("files beside the database: %s, %v", there, err)
	}
}

func TestLookingRefusesWrites(t *testing.T) {
	dir := t.TempDir()
	if _, err := db.OpenReadOnly(t.Context(), dir, clock, silent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a database: %v", err)
	}
	d, err := db.Open(t.Context(), dir, clock, silent)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Migrate(t.Context(), dbtest.MustMakeBox(t), nil), d.Close()); err != nil {
		t.Fatal(err)
	}
	view, err := db.OpenReadOnly(t.Context(), dir, clock, silent)
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	if err := view.Write(t.Context(), func(tx *gorm.DB) error { return tx.Exec("DELETE FROM cities").Error }); err == nil {
		t.Error("it can be written to")
	}
	if err := view.Read(t.Context()).Exec("DELETE FROM cities").Error; err == nil {
		t.Error("it can be written to by who reads")
	}
}

func TestSchemaOfOtherVersions(t *testing.T) {
	box := dbtest.MustMakeBox(t)
	list := func(ids ...string) map[string][]*gormigrate.Migration {
		var list []*gormigrate.Migration
		for _, id := range ids {
			list = append(list, &gormigrate.Migration{ID: id, Migrate: db.SQL()})
		}
		return map[string][]*gormigrate.Migration{"toy": list}
	}
	d := dbtest.MustOpen(t, clock, list("toy_1", "toy_2"))
	for _, tt := range []struct {
		ids  []string
		want db.Schema
	}{
		{[]string{"toy_1", "toy_2"}, db.Schema{}},
		{[]string{"toy_1", "toy_2", "toy_3"}, db.Schema{Missing: []string{"toy_3"}}},
		{[]string{"toy_1"}, db.Schema{Unknown: []string{"toy_2"}}},
	} {
		got, err := d.Schema(t.Context(), box, list(tt.ids...))
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", tt.ids, err, diff)
		}
	}
	more := list("toy_1", "toy_2")
	more["new"] = []*gormigrate.Migration{{ID: "new_1", Migrate: db.SQL()}}
	if got, err := d.Schema(t.Context(), box, more); err != nil || !cmp.Equal(got, db.Schema{Missing: []string{"new_1"}}) {
		t.Errorf("with a network of which there are no tables yet: %v, %v", got, err)
	}
}
