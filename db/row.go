package db

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

// Take reads one row of a type that gorm knows; none is ErrNotFound.
func Take[T any](tx *gorm.DB) (T, error) {
	var row T
	err := notFound(tx.Take(&row).Error)
	return row, err
}

// What every report and every delivery asks goes past gorm, which spends more
// on building a statement and on reflection than SQLite on answering it. The
// text of a statement is constant, so that the driver keeps it prepared.

// Exec runs a statement in the transaction tx, as tx.Exec does for what is done
// often.
func Exec(tx *gorm.DB, statement string, args ...any) (sql.Result, error) {
	return tx.Statement.ConnPool.ExecContext(tx.Statement.Context, statement, args...)
}

// queryRow asks for one row in the transaction tx.
func queryRow(tx *gorm.DB, query string, args ...any) *sql.Row {
	return tx.Statement.ConnPool.QueryRowContext(tx.Statement.Context, query, args...)
}

// Row is the answer of ReadRow.
type Row struct{ row *sql.Row }

// Scan is that of sql.Row, but for a row that is not there: ErrNotFound.
func (r Row) Scan(dest ...any) error { return notFound(r.row.Scan(dest...)) }

// ReadRow asks for one row, as Read does for what is asked often.
func (d *DB) ReadRow(ctx context.Context, query string, args ...any) Row {
	return Row{d.read.ConnPool.QueryRowContext(ctx, query, args...)}
}

// ReadColumn asks for the one column that the query selects, of all its rows.
func ReadColumn[T any](ctx context.Context, d *DB, query string, args ...any) ([]T, error) {
	rows, err := d.read.ConnPool.QueryContext(ctx, query, args...)
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
	return list, rows.Err()
}
