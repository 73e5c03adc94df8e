package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// ErrNewerVersion means that only a newer version may work on the database.
var ErrNewerVersion = errors.New("the database was written by a newer version of Ticketfrei")

func newerVersion(name string) error {
	return fmt.Errorf("%w (tables of %s): start that version, or restore a backup from before the upgrade", ErrNewerVersion, name)
}

// MayWork is ErrNewerVersion if a newer version has said, since Migrate, that this one must
// not work beside it any more. Where the database is a file there is none beside it.
func (d *DB) MayWork(ctx context.Context) error {
	if !d.OnServer() {
		return nil
	}
	var needed []struct{ List, ID string }
	if err := d.Read(ctx).Raw("SELECT list, id FROM needed_migrations").Scan(&needed).Error; err != nil {
		return fmt.Errorf("look for a newer version: %w", err)
	}
	for _, n := range needed {
		if list, ok := d.known[n.List]; ok && !knows(list, n.ID) {
			return newerVersion(n.List)
		}
	}
	return nil
}

func knows(list []*gormigrate.Migration, id string) bool {
	return slices.ContainsFunc(list, func(m *gormigrate.Migration) bool { return m.ID == id })
}

// mayWork is MayWork for one list, before its tables are touched.
func (d *DB) mayWork(ctx context.Context, name string, list []*gormigrate.Migration) error {
	tables, err := d.Tables(ctx)
	if err != nil || !tables["needed_migrations"] {
		return err
	}
	needed, err := ReadColumn[string](ctx, d, "SELECT id FROM needed_migrations WHERE list = ?", name)
	if err != nil {
		return fmt.Errorf("migrate tables of %s: %w", name, err)
	}
	for _, id := range needed {
		if !knows(list, id) {
			return newerVersion(name)
		}
	}
	return nil
}

// Alone returns the step of a migration with that id after which programs that do not know
// it must not work on the database any more, be it that a column is gone or means something
// else. A column more, with a default, needs none. Those that run already end by
// themselves some seconds later; the notes of the version say that all are to be stopped
// before.
func Alone(id string) func(*gorm.DB) error {
	return func(tx *gorm.DB) error {
		if !byServer(tx) { // a file is refused anyway
			return nil
		}
		list := id[:strings.LastIndexByte(id, '_')] // "core" of "core_0013"
		return tx.Exec("INSERT INTO needed_migrations (list, id) VALUES (?, ?)", list, id).Error
	}
}
