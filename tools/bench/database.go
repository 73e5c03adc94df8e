package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	"ticketfrei/db"
)

// query asks the program's database for a number while the program runs.
func (w *world) query(ctx context.Context, statement string, args ...any) (int, error) {
	d, err := sql.Open("sqlite3", "file:"+filepath.Join(w.program.data, db.FileName)+"?mode=ro&_busy_timeout=10000")
	if err != nil {
		return 0, err
	}
	defer d.Close()
	var n int
	if err := d.QueryRowContext(ctx, statement, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("look into the database: %w", err)
	}
	return n, nil
}

// reports is how many reports the database holds, whatever their verdict.
func (w *world) reports(ctx context.Context) (int, error) {
	return w.query(ctx, "SELECT count(*) FROM reports")
}
