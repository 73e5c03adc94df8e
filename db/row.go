package db

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

// What every report and every delivery asks goes past gorm, which spends more
// on building a statement and on reflection than SQLite on answering it. The
// text of a statement is constant, so that the driver keeps it prepared.

// exec runs a statement in the transaction tx.
func exec(tx *gorm.DB, statement string, args ...any) (sql.Result, error) {
	return tx.Statement.ConnPool.ExecContext(tx.Statement.Context, statement, args...)
}

// queryRow asks for one row in the transaction tx.
func queryRow(tx *gorm.DB, query string, args ...any) *sql.Row {
	return tx.Statement.ConnPool.QueryRowContext(tx.Statement.Context, query, args...)
}

// ReadRow asks for one row, as Read does for what is asked often. Scan returns
// sql.ErrNoRows where there is none.
func (d *DB) ReadRow(ctx context.Context, query string, args ...any) *sql.Row {
	return d.read.ConnPool.QueryRowContext(ctx, query, args...)
}
