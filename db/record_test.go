package db

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"gorm.io/gorm"
)

// Asked is a statement that was run.
type Asked struct {
	SQL  string
	Args []any
}

// asked notes statements.
type asked struct {
	mu   sync.Mutex
	list []Asked
}

func (a *asked) add(query string, args []any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, Asked{query, args})
}

// recorder runs statements and notes them.
type recorder struct {
	gorm.ConnPool
	asked *asked
	pool  *sql.DB // nil for that of a transaction
}

func (r recorder) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	r.asked.add(query, args)
	return r.ConnPool.ExecContext(ctx, query, args...)
}

func (r recorder) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r.asked.add(query, args)
	return r.ConnPool.QueryContext(ctx, query, args...)
}

func (r recorder) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	r.asked.add(query, args)
	return r.ConnPool.QueryRowContext(ctx, query, args...)
}

// GetDBConn is what gorm asks for when the database is closed.
func (r recorder) GetDBConn() (*sql.DB, error) { return r.pool, nil }

// Record returns the statements that do runs: all that read, and those of the first
// transaction that it writes. Nothing else may use the database meanwhile.
func (d *DB) Record(ctx context.Context, do func() error) ([]Asked, error) {
	var a asked
	defer d.recordReads(&a)()
	waiting, release := d.Hold(ctx)
	defer release()
	done := make(chan error, 2)
	go func() {
		done <- d.Write(ctx, func(tx *gorm.DB) error {
			tx.Statement.ConnPool = recorder{ConnPool: tx.Statement.ConnPool, asked: &a} // until the transaction ends
			return nil
		})
	}()
	awaitTrue(ctx, func() bool { return waiting() == 1 })
	go func() { done <- do() }()
	awaitTrue(ctx, func() bool { return waiting() == 2 || len(done) == 1 })
	release()
	err := <-done
	if other := <-done; err == nil {
		err = other
	}
	return a.list, err
}

func (d *DB) recordReads(a *asked) (stop func()) {
	plain := d.read.ConnPool
	pool, _ := d.read.DB() // it was opened, so there is one
	d.read.ConnPool = recorder{plain, a, pool}
	d.read.Statement.ConnPool = d.read.ConnPool
	return func() { d.read.ConnPool, d.read.Statement.ConnPool = plain, plain }
}

// awaitTrue waits until what is asked is true, a minute at most.
func awaitTrue(ctx context.Context, is func() bool) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	for ctx.Err() == nil && !is() {
		time.Sleep(100 * time.Microsecond)
	}
}
