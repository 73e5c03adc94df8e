package moving

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
)

// lockWait is how long one waits for another program that writes to the file.
const lockWait = 5 * time.Second

// file is the database of another program, read in one transaction: also what is being
// written to is read as it was at one moment.
type file struct {
	tx     *sql.Tx
	tables map[string]map[string]bool // their columns
	unread map[string]int             // how many rows of a table could not be read
}

// number is what stands in a column of numbers; not Valid where that is none: SQLite keeps
// whatever was put there.
type number struct{ sql.NullInt64 }

// Scan takes what the column has.
func (n *number) Scan(value any) error {
	if yes, ok := value.(bool); ok { // as the driver has columns that were declared so
		n.NullInt64 = sql.NullInt64{Valid: true}
		if yes {
			n.Int64 = 1
		}
		return nil
	}
	if n.NullInt64.Scan(value) != nil {
		n.NullInt64 = sql.NullInt64{}
	}
	return nil
}

// on tells what a column that says whether something is on means: yes, where it does not say.
func (n *number) on() bool { return !n.Valid || n.Int64 != 0 }

// notes are about the rows that could not be read.
func (f *file) notes() (list []Note) {
	for _, table := range slices.Sorted(maps.Keys(f.unread)) {
		list = append(list, Note{"rows_unread", []string{table, strconv.Itoa(f.unread[table])}})
	}
	return list
}

// read opens a database to read it, checks that it is whole, and calls do. Nothing is written
// to it. Errors say in plain words what is wrong with the file.
func read(ctx context.Context, path string, do func(*file) error) error {
	head, err := header(path)
	if err != nil {
		return err
	}
	err = readAs(ctx, path, how(path, head), do)
	if isCode(err, sqlite3.ErrCantOpen) || isCode(err, sqlite3.ErrReadonly) {
		// What was written last stands beside the file, and SQLite may not make what it needs
		// there: it does in a copy.
		return readCopy(ctx, path, do)
	}
	return explain(path, err)
}

// header returns the first bytes of a database.
func header(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s", path)
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a directory: name the file of the database in it", path)
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file of a database", path)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%s may not be read: run this as a user who may", path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 100)
	n, err := io.ReadFull(f, head)
	if n == 0 && err != nil {
		return nil, fmt.Errorf("%s is empty: the database is another file", path)
	}
	if !bytes.HasPrefix(head, []byte("SQLite format 3\x00")) || n < len(head) {
		return nil, fmt.Errorf("%s is no database of SQLite, or it is encrypted", path)
	}
	return head, nil
}

// how returns the parameters to open the file with. In write-ahead mode SQLite would make
// files beside one that nobody has open.
func how(path string, head []byte) string {
	const modeAt, writeAhead = 18, 2
	if _, err := os.Stat(path + "-wal"); head[modeAt] == writeAhead && errors.Is(err, fs.ErrNotExist) {
		return "immutable=1"
	}
	return "mode=ro"
}

func readAs(ctx context.Context, path, how string, do func(*file) error) error {
	whole, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	dsn := (&url.URL{Scheme: "file", Path: whole}).String() + "?" + how + fmt.Sprintf("&_query_only=1&_busy_timeout=%d", lockWait.Milliseconds())
	pool, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it was only read
	f := &file{tx: tx, tables: map[string]map[string]bool{}, unread: map[string]int{}}
	if err := f.check(ctx); err != nil {
		return err
	}
	if err := f.list(ctx); err != nil {
		return err
	}
	return do(f)
}

// readCopy reads a copy of the file, and of what stands beside it.
func readCopy(ctx context.Context, path string, do func(*file) error) error {
	dir, err := os.MkdirTemp("", "ticketfrei-import-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	to := filepath.Join(dir, "copy.sqlite")
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if err := copyFile(path+suffix, to+suffix); err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("copy %s: %w", path+suffix, err)
		}
	}
	return explain(path, readAs(ctx, to, "mode=rw", do))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// errDamaged is what SQLite finds wrong with a file.
var errDamaged = errors.New("it is damaged, or not whole")

func (f *file) check(ctx context.Context) error {
	var said string
	if err := f.tx.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("%w (%s)", errDamaged, strings.Join(strings.Fields(said), " "))
	}
	return nil
}

func (f *file) list(ctx context.Context) error {
	rows, err := f.tx.QueryContext(ctx, "SELECT lower(m.name), lower(c.name) FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return err
		}
		if f.tables[table] == nil {
			f.tables[table] = map[string]bool{}
		}
		f.tables[table][column] = true
	}
	return rows.Err()
}

// of says of which program the database is: the first whose tables it has.
func (f *file) of() string {
	for _, known := range []struct{ tables, program string }{
		{"core_migrations cities", "of Ticketfrei 3 itself: city export and city import move a city from one server to another"},
		{"hoods admins", "of Kibicara: ticketfrei import kibicara"},
		{"user cities triggerpatterns", "of Ticketfrei 2: ticketfrei import ticketfrei2"},
	} {
		if f.has(strings.Fields(known.tables)...) {
			return known.program
		}
	}
	return "of another program"
}

func (f *file) has(tables ...string) bool {
	for _, table := range tables {
		if f.tables[table] == nil {
			return false
		}
	}
	return true
}

// rows calls each with the rows of a table in their order, where there is the table. A column
// that is not there is NULL. Rows that do not fit into what each scans them into are counted:
// one of them is no reason to leave all of a city behind.
func (f *file) rows(ctx context.Context, table string, columns []string, each func(scan func(...any) error) error) error {
	if !f.has(table) {
		return nil
	}
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = "NULL"
		if f.tables[table][c] {
			list[i] = `"` + c + `"`
		}
	}
	order := "rowid"
	if f.tables[table]["id"] {
		order = `"id"`
	}
	rows, err := f.tx.QueryContext(ctx, `SELECT `+strings.Join(list, ", ")+` FROM "`+table+`" ORDER BY `+order)
	if err != nil {
		return err
	}
	defer rows.Close()
	scan := rows.Scan
	for rows.Next() {
		unfit := false
		err := each(func(into ...any) error {
			err := scan(into...)
			unfit = err != nil
			return err
		})
		switch {
		case unfit:
			f.unread[table]++
		case err != nil:
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	return rows.Err()
}

// count returns how many rows a table has; none where it is not there.
func (f *file) count(ctx context.Context, table string) (n int, err error) {
	if !f.has(table) {
		return 0, nil
	}
	err = f.tx.QueryRowContext(ctx, `SELECT count(*) FROM "`+table+`"`).Scan(&n)
	return n, err
}

func isCode(err error, code sqlite3.ErrNo) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && e.Code == code
}

// explain says in plain words why a file cannot be read.
func explain(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case isCode(err, sqlite3.ErrCorrupt):
		return fmt.Errorf("%s cannot be read: %w", path, errDamaged)
	case errors.Is(err, errDamaged):
		return fmt.Errorf("%s cannot be read: %w", path, err)
	case isCode(err, sqlite3.ErrNotADB):
		return fmt.Errorf("%s is no database of SQLite, or it is encrypted", path)
	case isCode(err, sqlite3.ErrBusy), isCode(err, sqlite3.ErrLocked):
		return fmt.Errorf("%s is being written to: stop the program that it belongs to, and try again", path)
	case isCode(err, sqlite3.ErrPerm), isCode(err, sqlite3.ErrCantOpen):
		return fmt.Errorf("%s may not be read: run this as a user who may (%w)", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}
