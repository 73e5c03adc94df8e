// Package db stores everything that outlives a report's way: cities,
// moderators, sessions, bots, reports and what became of them. The tables here
// are its own. A network keeps its tables in its own directory and reaches them
// through Read, ReadRow and Write.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// FileName is the name of the SQLite database in the data directory.
const FileName = "ticketfrei.db"

// readers is how many connections read at the same time. WAL lets them do so
// while one writes.
const readers = 8

// The errors that callers check for.
var (
	ErrNotFound = errors.New("not found")
	ErrTaken    = errors.New("already taken")
)

// DB is the open database. It is safe for use by many goroutines.
type DB struct {
	read   *gorm.DB
	write  *gorm.DB
	writer *writer
	syncer *syncer
	now    func() time.Time
}

// Open opens the SQLite database in dir and creates the file if needed. It does
// not touch the tables: call Migrate before anything else. now tells the time.
func Open(ctx context.Context, dir string, now func() time.Time) (*DB, error) {
	path := filepath.Join(dir, FileName)
	if err := makeFile(path); err != nil {
		return nil, err
	}
	write, err := open(path, "_txlock=immediate", 1)
	if err != nil {
		return nil, err
	}
	if err := check(ctx, write, path); err != nil {
		closeHandle(write)
		return nil, err
	}
	read, err := open(path, "_query_only=true", readers)
	if err != nil {
		closeHandle(write)
		return nil, err
	}
	return &DB{read: read, write: write, writer: startWriter(write), syncer: startSyncer(path + "-wal"), now: now}, nil
}

// makeFile creates the database file if it is missing. Only its owner may read
// it, since it holds addresses; SQLite would not see to that. SQLite's other
// files get the mode of this one.
func makeFile(path string) error {
	// Closing a file that SQLite has open in this process would drop its locks.
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return f.Close()
}

// statements is how many prepared statements each connection keeps: about as
// many as the program has. The driver keeps them, because gorm (PrepareStmt)
// would prepare its own again in every transaction.
const statements = 128

// open opens a pool of connections. With synchronous=NORMAL a commit does not
// wait for the disk (SQLite's documentation of PRAGMA synchronous). The syncer
// sees to that.
func open(path, more string, conns int) (*gorm.DB, error) {
	dsn := fmt.Sprintf("file:%s?_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=10000&_foreign_keys=true&_stmt_cache_size=%d&%s",
		(&url.URL{Path: path}).EscapedPath(), statements, more)
	g, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		Logger:                 logger.Discard,
		NowFunc:                func() time.Time { return time.Now().UTC() },
	})
	if err != nil {
		return nil, openError(path, err)
	}
	pool, err := g.DB()
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return g, nil
}

// check reads the schema, which finds most damaged files.
func check(ctx context.Context, g *gorm.DB, path string) error {
	var n int64
	if err := g.WithContext(ctx).Raw("SELECT count(*) FROM sqlite_master").Scan(&n).Error; err != nil {
		return openError(path, err)
	}
	return nil
}

// openError says what to do about a file that cannot be opened.
func openError(path string, err error) error {
	damaged, ok := errors.AsType[sqlite3.Error](err)
	if ok && (damaged.Code == sqlite3.ErrNotADB || damaged.Code == sqlite3.ErrCorrupt) {
		return fmt.Errorf("the database %s is damaged (%w): move it and its -wal and -shm files away and restore your last backup", path, err)
	}
	return fmt.Errorf("open database %s: %w", path, err)
}

// Close finishes the writes under way and closes the database.
func (d *DB) Close() error {
	d.writer.stop()
	return errors.Join(d.syncer.stop(), closeHandle(d.read), closeHandle(d.write))
}

func closeHandle(g *gorm.DB) error {
	pool, err := g.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}

// Read returns a handle for queries. It refuses writes.
func (d *DB) Read(ctx context.Context) *gorm.DB { return d.read.WithContext(ctx) }

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	pool, err := d.read.DB()
	if err != nil {
		return err
	}
	return pool.PingContext(ctx)
}

// Backup writes a copy of the database as it is now to path, which must not
// exist, while others read and write. Only the owner of the copy may read it.
func (d *DB) Backup(ctx context.Context, path string) error {
	// SQLite writes into an empty file, but would make one for everybody to read.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("back up database: %w", err)
	}
	err = errors.Join(f.Close(), d.write.WithContext(ctx).Exec("VACUUM INTO ?", path).Error)
	if err != nil {
		return errors.Join(fmt.Errorf("back up database to %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// notFound turns gorm's and database/sql's "no row" into ErrNotFound.
func notFound(err error) error {
	if errors.Is(err, gorm.ErrRecordNotFound) || errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// taken turns a violated unique index into ErrTaken.
func taken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return ErrTaken
	}
	return err
}

// millis is how times are stored: milliseconds since 1970, 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
