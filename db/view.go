package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/internal/secret"
)

// OpenReadOnly opens the database in dir to look at it, also beside a program of
// another version that runs. Nothing is made or changed: the tables are as they are
// found, and writes fail. The error is fs.ErrNotExist if there is no database.
func OpenReadOnly(ctx context.Context, dir string, now func() time.Time, log *slog.Logger) (*DB, error) {
	d := &DB{path: filepath.Join(dir, FileName), now: now, space: newSpace(dir, log), writer: &writer{jobs: stoppedJobs()}, log: log}
	d.damage = &damage{path: d.path, log: log}
	const readable = 4 // access(2): R_OK
	if err := syscall.Access(d.path, readable); err != nil {
		return nil, fmt.Errorf("open database: %w", &fs.PathError{Op: "read", Path: d.path, Err: err})
	}
	if err := d.openReader(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) openReader(ctx context.Context) (err error) {
	how := "mode=ro"
	if _, err := os.Stat(d.path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		how = "immutable=1" // nobody has it open; SQLite would make its other files
	}
	if d.read, err = open(d.path, how, 1); err != nil {
		return err
	}
	if err := check(ctx, d.read, d.path); err != nil {
		return err
	}
	return d.damage.watch(d.read)
}

// Schema is how the tables differ from those that Migrate makes of them.
type Schema struct {
	Missing []string // migrations that were not run: an earlier version wrote the tables
	Unknown []string // migrations of a newer version
}

// Schema compares the tables with the lists that Migrate is given. It changes nothing.
func (d *DB) Schema(ctx context.Context, box *secret.Box, networks map[string][]*gormigrate.Migration) (Schema, error) {
	lists := map[string][]*gormigrate.Migration{"core": slices.Concat(migrations, keyed(box))}
	maps.Copy(lists, networks)
	var s Schema
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		run, err := d.migrated(ctx, name)
		if err != nil {
			return Schema{}, fmt.Errorf("look at the tables of %s: %w", name, err)
		}
		known := map[string]bool{}
		for _, m := range lists[name] {
			if known[m.ID] = true; !slices.Contains(run, m.ID) {
				s.Missing = append(s.Missing, m.ID)
			}
		}
		for _, id := range run {
			if !known[id] {
				s.Unknown = append(s.Unknown, id)
			}
		}
	}
	return s, nil
}

// migrated returns which migrations of a list were run; none where it has no tables yet.
func (d *DB) migrated(ctx context.Context, name string) ([]string, error) {
	table := name + "_migrations"
	tables, err := d.Tables(ctx)
	if err != nil || !tables[table] {
		return nil, err
	}
	return ReadColumn[string](ctx, d, "SELECT id FROM "+table+" ORDER BY id")
}
