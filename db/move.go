package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"ticketfrei/internal/valid"
)

// Moved is what MoveTo did with a table.
type Moved struct {
	Table string
	Rows  int64
	Left  bool // it stayed behind: it belongs to something that this program does not have
}

// MoveTo copies everything that the file holds to a database on a server that has the
// tables, and nothing in them. Nobody may write to the file meanwhile. It is done as a
// whole or not at all; the file stays as it is.
func (d *DB) MoveTo(ctx context.Context, to *DB) ([]Moved, error) {
	if d.OnServer() || !to.OnServer() {
		return nil, errors.New("move database: it can only be moved from a file to a server")
	}
	conn, err := to.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("move database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	from, err := d.read.ConnPool.(*sql.DB).BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("move database: %w", err)
	}
	defer func() { _ = from.Rollback() }() // it was only read
	var done []Moved
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		m := &move{from: from, to: tx, words: to.words}
		if err := m.run(ctx, []*sequence{&to.seqs, &to.fanoutIDs}); err != nil {
			return err
		}
		done = m.done
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("move database: %w", err)
	}
	if _, err := conn.Exec(ctx, "ANALYZE"); err != nil { // else the first questions are answered slowly
		return done, fmt.Errorf("the database was moved, but not analyzed: %w", err)
	}
	return done, nil
}

// move copies from one transaction to the other.
type move struct {
	from  *sql.Tx
	to    pgx.Tx
	words *words // seals those of reports
	done  []Moved
}

func (m *move) run(ctx context.Context, sequences []*sequence) error {
	tables, err := m.tables(ctx)
	if err != nil {
		return err
	}
	if err := m.reserve(ctx, tables); err != nil {
		return err
	}
	for _, table := range tables {
		if err := m.table(ctx, table); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	for _, s := range sequences {
		if err := m.goOn(ctx, s.named(), s.table, s.column, 0); err != nil {
			return err
		}
	}
	return nil
}

// tables returns those to be copied: each after those that it refers to. What is only in
// the file is noted as left.
func (m *move) tables(ctx context.Context) ([]string, error) {
	there, err := serverColumn[string](ctx, m.to, "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()")
	if err != nil {
		return nil, err
	}
	names, err := fileColumn[string](ctx, m.from, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return strings.HasPrefix(name, "sqlite_") || strings.HasSuffix(name, "_migrations")
	})
	parents := map[string][]string{}
	for _, name := range names {
		if !slices.Contains(there, name) {
			rows, err := m.count(ctx, name)
			if err != nil {
				return nil, err
			}
			m.done = append(m.done, Moved{name, rows, true})
			continue
		}
		if parents[name], err = fileColumn[string](ctx, m.from, `SELECT DISTINCT "table" FROM pragma_foreign_key_list(?)`, name); err != nil {
			return nil, err
		}
	}
	return parentsFirst(parents), nil
}

// parentsFirst sorts tables such that each comes after its parents.
func parentsFirst(parents map[string][]string) (sorted []string) {
	var add func(name string)
	add = func(name string) {
		if _, known := parents[name]; !known || slices.Contains(sorted, name) {
			return
		}
		for _, parent := range parents[name] {
			if parent != name {
				add(parent)
			}
		}
		sorted = append(sorted, name)
	}
	for _, name := range slices.Sorted(maps.Keys(parents)) {
		add(name)
	}
	return sorted
}

// reserve keeps others from writing, and refuses a database that holds something.
func (m *move) reserve(ctx context.Context, tables []string) error {
	quoted := make([]string, len(tables))
	for i, table := range tables {
		quoted[i] = quote(table)
	}
	if _, err := m.to.Exec(ctx, "LOCK TABLE "+strings.Join(quoted, ", ")+" IN SHARE ROW EXCLUSIVE MODE NOWAIT"); err != nil {
		return fmt.Errorf("somebody else uses the database on the server: %w", err)
	}
	var served bool
	if err := m.to.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM processes WHERE until > "+msNow+")").Scan(&served); err != nil {
		return err
	}
	if served {
		return errors.New("a program works with the database on the server already: stop it first")
	}
	for _, table := range tables {
		var used bool
		if err := m.to.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+quote(table)+")").Scan(&used); err != nil {
			return err
		}
		if used {
			return fmt.Errorf("the database on the server is not empty: there are rows in its table %s. Make a new one", table)
		}
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// movedColumn is one of a table on the server.
type movedColumn struct {
	Name     string
	Type     string
	Sequence string // that numbers its rows; empty: none does
}

// table copies a table and counts it on both sides.
func (m *move) table(ctx context.Context, table string) error {
	columns, err := m.columns(ctx, table)
	if err != nil {
		return err
	}
	rows, err := m.read(ctx, table, columns)
	if err != nil {
		return err
	}
	defer rows.Close()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	from := &fileRows{rows: rows, columns: columns}
	switch table {
	case "reports":
		from.sealed = m.words.sealRow
	case "unwanted_words":
		from.sealed = m.words.sealUnwanted
	}
	copied, err := m.to.CopyFrom(ctx, pgx.Identifier{table}, names, from)
	if err := errors.Join(err, rows.Err()); err != nil {
		return err
	}
	for _, c := range columns {
		if c.Sequence != "" {
			used, err := fileColumn[int64](ctx, m.from, "SELECT seq FROM sqlite_sequence WHERE name = ?", table)
			if err != nil {
				return err
			}
			if err := m.goOn(ctx, c.Sequence, table, c.Name, slices.Max(append(used, 0))); err != nil {
				return err
			}
		}
	}
	m.done = append(m.done, Moved{Table: table, Rows: copied})
	return m.compare(ctx, table)
}

// columns returns those of a table that the file has, which must be all of the file's.
func (m *move) columns(ctx context.Context, table string) ([]movedColumn, error) {
	rows, err := m.to.Query(ctx, `SELECT column_name::text, data_type::text, coalesce(pg_get_serial_sequence(quote_ident(table_name), column_name), '')
		FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1`, table)
	if err != nil {
		return nil, err
	}
	there, err := pgx.CollectRows(rows, pgx.RowToStructByPos[movedColumn])
	if err != nil {
		return nil, err
	}
	names, err := fileColumn[string](ctx, m.from, "SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		return nil, err
	}
	columns := make([]movedColumn, len(names))
	for i, name := range names {
		at := slices.IndexFunc(there, func(c movedColumn) bool { return c.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no column %s on the server", name)
		}
		columns[i] = there[at]
	}
	return columns, nil
}

func (m *move) read(ctx context.Context, table string, columns []movedColumn) (*sql.Rows, error) {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = quote(c.Name)
	}
	return m.from.QueryContext(ctx, "SELECT "+strings.Join(quoted, ", ")+" FROM "+quote(table))
}

// goOn has a sequence go on after the rows of a table, and after a number that was used.
func (m *move) goOn(ctx context.Context, sequence, table, column string, used int64) error {
	_, err := m.to.Exec(ctx, "SELECT setval($1::text::regclass, last) FROM (SELECT greatest($2::bigint, max("+quote(column)+")) AS last FROM "+quote(table)+
		") AS used WHERE last > 0", sequence, used)
	return err
}

func (m *move) count(ctx context.Context, table string) (n int64, err error) {
	err = m.from.QueryRowContext(ctx, "SELECT count(*) FROM "+quote(table)).Scan(&n)
	return n, err
}

// compare counts the rows of a table on both sides.
func (m *move) compare(ctx context.Context, table string) error {
	inFile, err := m.count(ctx, table)
	if err != nil {
		return err
	}
	var onServer int64
	if err := m.to.QueryRow(ctx, "SELECT count(*) FROM "+quote(table)).Scan(&onServer); err != nil {
		return err
	}
	if inFile != onServer {
		return fmt.Errorf("there are %d rows in the file and %d on the server", inFile, onServer)
	}
	return nil
}

// fileRows are rows of the file in the form that the server takes them. It is a
// pgx.CopyFromSource.
type fileRows struct {
	rows    *sql.Rows
	columns []movedColumn
	sealed  func(row map[string]any) // seals what riders wrote in it; nil: there is nothing of them
}

// Next tells whether there is another row.
func (r *fileRows) Next() bool { return r.rows.Next() }

// Err is what ended the rows.
func (r *fileRows) Err() error { return r.rows.Err() }

// Values returns a row.
func (r *fileRows) Values() ([]any, error) {
	values, into := make([]any, len(r.columns)), make([]any, len(r.columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := r.rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, c := range r.columns {
		v, ok := c.take(values[i])
		if !ok {
			return nil, fmt.Errorf("column %s holds a value that is no %s", c.Name, c.Type)
		}
		values[i] = v
	}
	if r.sealed != nil {
		r.seal(values)
	}
	return values, nil
}

// seal seals the words of a row, as they are stored on a server.
func (r *fileRows) seal(values []any) {
	row := make(map[string]any, len(values))
	for i, c := range r.columns {
		row[c.Name] = values[i]
	}
	r.sealed(row)
	for i, c := range r.columns {
		values[i] = row[c.Name]
	}
}

// take returns a value of the file as one of the column. It tells false where it is none:
// SQLite takes values of any kind.
func (c movedColumn) take(v any) (any, bool) {
	if v == nil {
		return nil, true
	}
	switch c.Type {
	case "boolean":
		if n, ok := v.(int64); ok && (n == 0 || n == 1) {
			v = n == 1
		}
		_, ok := v.(bool)
		return v, ok
	case "bigint":
		_, ok := v.(int64)
		return v, ok
	case "bytea":
		if s, ok := v.(string); ok {
			v = []byte(s)
		}
		_, ok := v.([]byte)
		return v, ok
	case "text":
		switch s := v.(type) {
		case string:
			return valid.Text(s), true
		case []byte:
			return valid.Text(string(s)), true
		case int64: // a text of digits alone stays a text, but for what was stored as a number
			return fmt.Sprint(s), true
		}
	}
	return v, false
}

func serverColumn[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

func fileColumn[T any](ctx context.Context, tx *sql.Tx, query string, args ...any) (list []T, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
