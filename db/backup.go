package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"
)

// How a backup leaves the disk to others. Its copy goes to disk in small parts,
// because a sync of the log may have to wait for what else is on its way there.
const (
	backupStep = 64 // pages at a time
	// backupRest is how long there is a pause after each step, in times of what
	// the step took.
	backupRest = 3
)

// ErrBackUpServer is what a backup of a database on PostgreSQL says.
var ErrBackUpServer = errors.New("the database is on a PostgreSQL server, which has a way of its own: " +
	"pg_dump --format=custom --no-unlogged-table-data --file=ticketfrei.dump \"<database.url>\"; pg_restore reads it. Keep it together with the setting secret")

// Backup writes a copy of the database as it is now to path, while others read
// and write, also in other processes. A file that is there is replaced when the
// copy is whole. Only the owner of the copy may read it. Where it fails or ctx
// ends, nothing has changed at path, and nothing is left behind.
func (d *DB) Backup(ctx context.Context, path string) error {
	if d.OnServer() {
		return ErrBackUpServer
	}
	dir := filepath.Dir(path)
	// SQLite writes into an empty file, but would make one for everybody to read.
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("back up database: %w", err)
	}
	err = errors.Join(d.backup(ctx, f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("back up database to %s: %w", path, err), os.Remove(f.Name()))
	}
	return syncDir(dir)
}

// CheckIntegrity is an error where the file of the database is damaged. It reads all of it.
func (d *DB) CheckIntegrity(ctx context.Context) error {
	found, err := ReadColumn[string](ctx, d, "PRAGMA integrity_check(1)")
	if err == nil && (len(found) != 1 || found[0] != "ok") {
		err = fmt.Errorf("integrity check: %v", found)
	}
	return err
}

// backup copies the database into f, which is open beside SQLite's own handle.
func (d *DB) backup(ctx context.Context, f *os.File) error {
	source, err := openPool(d.path, shared+"&_query_only=true&_cache_size=-1000", 1)
	if err != nil {
		return err
	}
	defer source.Close()
	// The copy counts for nothing until it is whole, so it needs no journal.
	target, err := openPool(f.Name(), "_journal_mode=OFF&_synchronous=OFF&_cache_size=-1000", 1)
	if err != nil {
		return err
	}
	defer target.Close()
	err = rawConn(ctx, source, func(from *sqlite3.SQLiteConn) error {
		return rawConn(ctx, target, func(to *sqlite3.SQLiteConn) error {
			return copyPages(ctx, to, from, restBetween(ctx, f))
		})
	})
	if err != nil {
		return err
	}
	return errors.Join(target.Close(), f.Sync())
}

// restBetween returns what a backup does after each step: it brings the step to
// disk and then leaves the disk to others.
func restBetween(ctx context.Context, f *os.File) func() error {
	began := time.Now()
	return func() error {
		if err := f.Sync(); err != nil {
			return err
		}
		err := sleep(ctx, backupRest*time.Since(began))
		began = time.Now()
		return err
	}
}

// copyPages copies a database in steps, and calls between after each but the
// last. One transaction holds what there is to copy, and another makes it the
// content of the copy.
func copyPages(ctx context.Context, to, from *sqlite3.SQLiteConn, between func() error) error {
	if _, err := from.Exec("BEGIN; SELECT count(*) FROM sqlite_master", nil); err != nil {
		return err
	}
	b, err := to.Backup("main", from, "main")
	if err != nil {
		return err
	}
	if err := copySteps(ctx, b, between); err != nil {
		_ = b.Finish() // says the same once more
		return err
	}
	return b.Finish()
}

func copySteps(ctx context.Context, b *sqlite3.SQLiteBackup, between func() error) error {
	for left := math.MaxInt; ; left = b.Remaining() {
		done, err := b.Step(backupStep)
		if done || err != nil {
			return err
		}
		if b.Remaining() >= left { // the driver does not tell that it is locked
			return errors.New("another program has locked it: stop that and try again")
		}
		if err := errors.Join(ctx.Err(), between()); err != nil {
			return err
		}
	}
}

// rawConn runs f with a connection of the pool as the driver has it.
func rawConn(ctx context.Context, pool *sql.DB, f func(*sqlite3.SQLiteConn) error) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error { return f(c.(textConn).SQLiteConn) })
}

// syncDir brings to disk that a file is in the directory.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
