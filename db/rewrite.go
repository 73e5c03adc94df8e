package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
	"gorm.io/gorm"
)

// cleanVersion is what user_version is in databases that were written with
// nothing but secure_delete=ON and the VFS of internal/wipe.
const cleanVersion = 1

// rewriteName is the name of the copy that Rewrite works with.
const rewriteName = FileName + ".rewrite"

// Rewrite writes the database once from scratch if earlier versions have
// written to it: they left in its file what they had deleted. Call it after
// Migrate. It needs about twice the size of the database, for a copy in the data
// directory and for the log. After an error the database is as it was before and
// can be used; the next call tries again.
func (d *DB) Rewrite(ctx context.Context) error {
	if d.OnServer() { // no earlier version has written to one
		return nil
	}
	if err := d.rewrite(ctx); err != nil {
		return fmt.Errorf("rewrite database once, since earlier versions left in it what they had deleted: %w", err)
	}
	return nil
}

func (d *DB) rewrite(ctx context.Context) error {
	copied := filepath.Join(filepath.Dir(d.path), rewriteName)
	if err := remove(copied); err != nil { // one that was killed may have left it
		return err
	}
	var version int
	if err := d.ReadRow(ctx, "PRAGMA user_version").Scan(&version); err != nil || version >= cleanVersion {
		return err
	}
	if d.fresh {
		return d.Write(ctx, setCleanVersion)
	}
	if err := d.roomToRewrite(ctx); err != nil {
		return err
	}
	err := d.rewriteBy(ctx, copied)
	if err := errors.Join(err, remove(copied)); err != nil {
		return err
	}
	if err := d.syncer.wait(); err != nil {
		return err
	}
	_, err = d.EmptyLog(ctx)
	return err
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func setCleanVersion(tx *gorm.DB) error {
	return tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", cleanVersion)).Error
}

// roomToRewrite returns an error if there is not enough.
func (d *DB) roomToRewrite(ctx context.Context) error {
	var pages, unused, size int64
	for query, to := range map[string]*int64{"page_count": &pages, "freelist_count": &unused, "page_size": &size} {
		if err := d.ReadRow(ctx, "PRAGMA "+query).Scan(to); err != nil {
			return err
		}
	}
	dir := filepath.Dir(d.path)
	free, keep, err := Room(dir)
	if err != nil {
		return err
	}
	if need := 2*(pages-unused)*size + keep; free < need {
		return fmt.Errorf("that takes %d MB and the disk of %s has %d: make room there and start again; nothing is lost", need>>20, dir, free>>20)
	}
	return nil
}

// rewriteBy makes a copy without leftovers and puts it in the place of the
// database, in one transaction.
func (d *DB) rewriteBy(ctx context.Context, copied string) error {
	if err := makeFile(copied); err != nil {
		return err
	}
	source, err := openPool(d.path, shared, 1)
	if err != nil {
		return err
	}
	defer source.Close()
	if _, err := source.ExecContext(ctx, "VACUUM INTO ?", copied); err != nil {
		return err
	}
	clean, err := openPool(copied, "_journal_mode=OFF&_synchronous=OFF", 1)
	if err != nil {
		return err
	}
	defer clean.Close()
	if _, err := clean.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", cleanVersion)); err != nil {
		return err
	}
	return d.writer.exclusive(ctx, func(g *gorm.DB) error {
		write, err := g.DB()
		if err != nil {
			return err
		}
		return rawConn(ctx, clean, func(from *sqlite3.SQLiteConn) error {
			return rawConn(ctx, write, func(to *sqlite3.SQLiteConn) error {
				return copyPages(ctx, to, from, func() error { return nil })
			})
		})
	})
}
