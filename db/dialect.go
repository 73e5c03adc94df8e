package db

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Statements are written once, in SQL that SQLite and PostgreSQL understand, with "?"
// or "?1" for what they are given. For PostgreSQL, what follows is put into its words;
// for SQLite nothing is done.

// serverWords are what PostgreSQL calls otherwise. Which index is asked it decides
// itself.
var serverWords = []struct {
	ours   *regexp.Regexp
	theirs string
}{
	{regexp.MustCompile(`\binstr\(`), "strpos("},
	{regexp.MustCompile(`\browid\b`), "ctid"},
	{regexp.MustCompile(` INDEXED BY \w+`), ""},
}

// rebind returns a statement in the words of PostgreSQL. As in SQLite, a "?" without a
// number has the one after the largest before it.
func rebind(statement string) string {
	for _, w := range serverWords {
		statement = w.ours.ReplaceAllString(statement, w.theirs)
	}
	var b strings.Builder
	largest := 0
	for i := 0; i < len(statement); i++ {
		switch c := statement[i]; c {
		case '\'', '"':
			end := i + 1
			for end < len(statement) && statement[end] != c {
				end++
			}
			b.WriteString(statement[i:min(end+1, len(statement))])
			i = end
		case '?':
			end := i + 1
			for end < len(statement) && '0' <= statement[end] && statement[end] <= '9' {
				end++
			}
			n, err := strconv.Atoi(statement[i+1 : end])
			if err != nil {
				n = largest + 1
			}
			largest = max(largest, n)
			b.WriteString("$" + strconv.Itoa(n))
			i = end - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// rebound keeps what rebind returned: the program has some hundred statements.
type rebound struct {
	texts sync.Map // string → string
	kept  atomic.Int32
}

// maxRebound bounds what is kept: statements with lists have many lengths.
const maxRebound = 2000

func (r *rebound) text(statement string) string {
	if text, ok := r.texts.Load(statement); ok {
		return text.(string)
	}
	text := rebind(statement)
	if r.kept.Load() < maxRebound {
		r.kept.Add(1)
		r.texts.Store(statement, text)
	}
	return text
}

// serverPool is a gorm.ConnPool that rebinds what it is asked.
type serverPool struct {
	to interface { // *sql.DB, *sql.Tx or *sql.Conn
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	texts *rebound
}

var (
	_ gorm.ConnPool         = serverPool{}
	_ gorm.ConnPoolBeginner = serverPool{}
	_ gorm.GetDBConnector   = serverPool{}
)

func (p serverPool) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.to.PrepareContext(ctx, p.texts.text(query))
}

func (p serverPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.to.ExecContext(ctx, p.texts.text(query), args...)
}

func (p serverPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.to.QueryContext(ctx, p.texts.text(query), args...)
}

func (p serverPool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.to.QueryRowContext(ctx, p.texts.text(query), args...)
}

// BeginTx begins a transaction where p is a whole pool.
func (p serverPool) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	pool, err := p.GetDBConn()
	if err != nil {
		return nil, err
	}
	tx, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &serverTx{serverPool{tx, p.texts}, tx}, nil
}

// GetDBConn returns the whole pool.
func (p serverPool) GetDBConn() (*sql.DB, error) {
	if pool, ok := p.to.(*sql.DB); ok {
		return pool, nil
	}
	return nil, gorm.ErrInvalidDB
}

// serverTx is a transaction that rebinds what it is asked.
type serverTx struct {
	serverPool
	tx *sql.Tx
}

var _ gorm.TxCommitter = (*serverTx)(nil)

// Commit ends the transaction.
func (t *serverTx) Commit() error { return t.tx.Commit() }

// Rollback ends the transaction.
func (t *serverTx) Rollback() error { return t.tx.Rollback() }

// serverDialect is gorm's way to PostgreSQL. What it writes is rebound by the pool, as
// everything is.
type serverDialect struct{ *postgres.Dialector }

// BindVarTo writes the place of a value.
func (serverDialect) BindVarTo(w clause.Writer, _ *gorm.Statement, _ any) { _ = w.WriteByte('?') }

// serverTypes are the types of a table's columns. Texts are compared by their bytes, as
// SQLite does.
var serverTypes = []struct {
	ours   *regexp.Regexp
	theirs string
}{
	{regexp.MustCompile(`\b(enabled|passed|fanned_out|questions|replies|no_index) INTEGER NOT NULL`), "$1 BOOLEAN NOT NULL"},
	{regexp.MustCompile(`\bBOOLEAN NOT NULL DEFAULT 0`), "BOOLEAN NOT NULL DEFAULT FALSE"},
	{regexp.MustCompile(`\bBOOLEAN NOT NULL DEFAULT 1`), "BOOLEAN NOT NULL DEFAULT TRUE"},
	{regexp.MustCompile(`\bINTEGER NOT NULL DEFAULT (FALSE|TRUE)`), "BOOLEAN NOT NULL DEFAULT $1"},
	{regexp.MustCompile(`\bINTEGER PRIMARY KEY AUTOINCREMENT`), "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
	{regexp.MustCompile(`\bINTEGER\b`), "BIGINT"},
	{regexp.MustCompile(`\bBLOB\b`), "BYTEA"},
	{regexp.MustCompile(`\bTEXT\b`), `TEXT COLLATE "C"`},
	{regexp.MustCompile(` WITHOUT ROWID`), ""},
}

// serverSchema returns a statement of a migration in the words of PostgreSQL; empty where
// it has nothing to do there: ids are never used again anyway.
func serverSchema(statement string) string {
	if strings.Contains(statement, "sqlite_sequence") {
		return ""
	}
	if !strings.HasPrefix(statement, "CREATE TABLE") && !strings.HasPrefix(statement, "ALTER TABLE") {
		return statement
	}
	for _, t := range serverTypes {
		statement = t.ours.ReplaceAllString(statement, t.theirs)
	}
	return statement
}

// HasColumn tells whether a table has a column.
func HasColumn(tx *gorm.DB, table, column string) (has bool, err error) {
	query := "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?) WHERE name = ?)"
	if byServer(tx) {
		query = "SELECT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ? AND column_name = ?)"
	}
	err = queryRow(tx, query, table, column).Scan(&has)
	return has, err
}

// Tables are the names of the tables that there are.
func (d *DB) Tables(ctx context.Context) (map[string]bool, error) {
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if d.OnServer() {
		query = "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()"
	}
	names, err := ReadColumn[string](ctx, d, query)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	tables := make(map[string]bool, len(names))
	for _, name := range names {
		tables[name] = true
	}
	return tables, nil
}
