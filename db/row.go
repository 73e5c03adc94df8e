package db

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

// Take reads one row of a type that gorm knows. The error is ErrNotFound if
// there is none.
func Take[T any](tx *gorm.DB) (T, error) {
	var row T
	err := notFound(tx.Take(&row).Error)
	return row, err
}

// Statements that run for every report and every delivery bypass gorm, which
// spends more time on building a statement and on reflection than SQLite on
// answering it. Their text is constant, so that the driver keeps them prepared.

// Exec runs a statement in the transaction tx, like tx.Exec but faster: it is
// for what is done often.
func Exec(tx *gorm.DB, statement string, args ...any) (sql.Result, error) {
	return tx.Statement.ConnPool.ExecContext(tx.Statement.Context, statement, args...)
}

// Later is Exec of a statement of which nobody looks at what it did. On a server it is sent
// with what follows: if it fails, what follows does, at the latest the commit.
func Later(tx *gorm.DB, statement string, args ...any) error {
	if p, ok := tx.Statement.ConnPool.(*pipeline); ok {
		return p.later(tx.Statement.Context, statement, args...)
	}
	_, err := Exec(tx, statement, args...)
	return err
}

// changeOne runs a statement that is to change one row, and tells whether there is one. On a
// server it says so first and looks later: where there is none, the transaction is done
// again.
func changeOne(tx *gorm.DB, statement string, args ...any) (there bool, err error) {
	if p, ok := tx.Statement.ConnPool.(*pipeline); ok {
		return p.one(tx.Statement.Context, statement, args...)
	}
	result, err := Exec(tx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// queryRow asks for one row in the transaction tx.
func queryRow(tx *gorm.DB, query string, args ...any) scanner {
	if p, ok := tx.Statement.ConnPool.(*pipeline); ok {
		return p.row(tx.Statement.Context, query, args)
	}
	return tx.Statement.ConnPool.QueryRowContext(tx.Statement.Context, query, args...)
}

// Row is the answer of ReadRow.
type Row struct {
	row    *sql.Row
	damage *damage
}

// Scan is that of sql.Row, but returns ErrNotFound if there is no row.
func (r Row) Scan(dest ...any) error {
	err := r.row.Scan(dest...)
	r.damage.noticed(err)
	return notFound(err)
}

// ReadRow asks for one row, like Read but faster: it is for what is asked
// often.
func (d *DB) ReadRow(ctx context.Context, query string, args ...any) Row {
	return Row{d.read.ConnPool.QueryRowContext(ctx, query, args...), d.damage}
}

// ReadColumn returns the one column that the query selects, of all its rows.
func ReadColumn[T any](ctx context.Context, d *DB, query string, args ...any) ([]T, error) {
	rows, err := d.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var value T
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, d.ended(rows)
}
