// Package db stores everything that lasts: cities, moderators, sessions, bots,
// reports, what is still to be sent of them and what became of it. It is the message
// queue of the program. The tables here are its own. A network keeps its tables in
// its own directory and reaches them through Read, ReadRow and Write.
package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/mattn/go-sqlite3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"ticketfrei/internal/wipe"
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
	server *server // nil: the database is a file
	log    *slog.Logger
	path   string
	fresh  bool // Open made the file
	read   *gorm.DB
	write  *gorm.DB
	writer *writer
	syncer *syncer
	disk   *toDisk // the syncer's, or that of the server
	space  *space
	damage *damage
	words  *words // of reports; nil: they are stored as they are
	house  *housekeeper
	now    func() time.Time
	// process stands for this process among those that have the database open.
	process int64

	seqs, fanoutIDs sequence

	known map[string][]*gormigrate.Migration // by list, as Migrate had them; for MayWork

	ownership atomic.Pointer[Ownership] // nil: all cities are this process's

	unjudged atomic.Int64                 // how many reports wait to be judged
	follower atomic.Pointer[func(Heard)]  // see FollowHeard
	changes  atomic.Pointer[func(Change)] // see FollowChanges
}

// Open opens the SQLite database in dir and creates the file if needed. It does
// not touch the tables: call Migrate before anything else. now tells the time.
// What the operator must know of, such as a full disk, goes to log.
func Open(ctx context.Context, dir string, now func() time.Time, log *slog.Logger) (*DB, error) {
	d := &DB{path: filepath.Join(dir, FileName), now: now, process: rand.Int64(), log: log, space: newSpace(dir, log),
		seqs: sequence{table: "reports", column: "seq"}, fanoutIDs: sequence{table: "fanouts", column: "id"}}
	d.damage = &damage{path: d.path, log: log}
	_, err := os.Stat(d.path)
	d.fresh = errors.Is(err, fs.ErrNotExist)
	if err := makeFile(d.path); err != nil {
		return nil, err
	}
	if err := d.openHandles(ctx); err != nil {
		d.closeHandles()
		return nil, err
	}
	checkpoints, err := openPool(d.path, shared, 1)
	if err != nil {
		d.closeHandles()
		return nil, err
	}
	d.syncer = startSyncer(d.path+"-wal", d.space)
	d.disk = d.syncer.toDisk
	d.writer = startWriter(d.write, d.syncer, d.space, d.damage)
	d.house = startHousekeeper(d, checkpoints, log)
	return d, nil
}

func (d *DB) openHandles(ctx context.Context) (err error) {
	if d.write, err = open(d.path, writing, 1); err != nil {
		return err
	}
	if err := check(ctx, d.write, d.path); err != nil {
		return err
	}
	if d.read, err = open(d.path, reading, readers); err != nil {
		return err
	}
	return d.damage.watch(d.read)
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

// busyTimeout is how long a connection waits for those of other processes.
const busyTimeout = 10 * time.Second

// What connections of a kind have; caches in KiB. With synchronous=NORMAL a
// commit does not wait for the disk (SQLite's documentation of PRAGMA
// synchronous): the syncer sees to that. secure_delete=ON overwrites deleted
// rows and pages; FAST would leave the pages.
const (
	shared  = "_journal_mode=WAL&_synchronous=NORMAL&_foreign_keys=true"
	writing = shared + "&_txlock=immediate&_secure_delete=true&_cache_size=-32000"
	reading = shared + "&_query_only=true&_cache_size=-1000"
)

// open opens a pool of connections for gorm.
func open(path, params string, conns int) (*gorm.DB, error) {
	pool, err := openPool(path, fmt.Sprintf("_stmt_cache_size=%d&%s", statements, params), conns)
	if err != nil {
		return nil, err
	}
	g, err := gorm.Open(sqlite.New(sqlite.Config{Conn: pool}), gormConfig())
	if err != nil {
		return nil, errors.Join(openError(path, err), pool.Close())
	}
	return g, nil
}

func gormConfig() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		Logger:                 logger.Discard,
		NowFunc:                func() time.Time { return time.Now().UTC() },
	}
}

// openPool makes a pool of connections; the first to be used opens the file.
func openPool(path, params string, conns int) (*sql.DB, error) {
	vfs, err := wipe.VFS()
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	pool := sql.OpenDB(connector(fmt.Sprintf("%s?vfs=%s&_busy_timeout=%d&%s", fileURI(path), vfs, busyTimeout.Milliseconds(), params)))
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return pool, nil
}

func fileURI(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// connector opens connections to the database with that address.
type connector string

// Connect opens a connection. It checkpoints nothing by itself, which would
// stop a commit, and writes no temporary files, which secure_delete would not
// reach.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	d := &sqlite3.SQLiteDriver{ConnectHook: func(conn *sqlite3.SQLiteConn) error {
		_, err := conn.Exec("PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY", nil)
		return err
	}}
	conn, err := d.Open(string(c))
	if err != nil {
		return nil, err
	}
	return textConn{conn.(*sqlite3.SQLiteConn)}, nil
}

// Driver returns the driver of the connections.
func (connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

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
	if isDamage(err) {
		return &damagedError{path, err}
	}
	return fmt.Errorf("open database %s: %w", path, err)
}

// Close finishes the writes under way and closes the database.
func (d *DB) Close() error {
	if d.OnServer() {
		d.server.stop()
		return d.closeHandles()
	}
	if d.house == nil { // see OpenReadOnly
		return d.closeHandles()
	}
	err := d.house.stop()
	d.writer.stop()
	return errors.Join(err, d.syncer.stop(), d.closeHandles())
}

func (d *DB) closeHandles() error {
	var errs []error
	for _, g := range []*gorm.DB{d.read, d.write} {
		if g != nil {
			errs = append(errs, closeHandle(g))
		}
	}
	return errors.Join(errs...)
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

// Ping reports whether the database answers and has not shown to be damaged.
func (d *DB) Ping(ctx context.Context) error {
	pool, err := d.read.DB()
	if err != nil {
		return err
	}
	return errors.Join(pool.PingContext(ctx), d.Damaged())
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

// Unavailable tells whether an error says that the database as a whole cannot be
// written to at the moment, and not that what was written is at fault.
func Unavailable(err error) bool {
	if errors.Is(err, errClosed) || serverAway(err) {
		return true
	}
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && slices.Contains([]sqlite3.ErrNo{sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrBusy, sqlite3.ErrLocked,
		sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrCorrupt}, e.Code)
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
