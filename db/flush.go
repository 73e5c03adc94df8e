package db

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"sync"
	"time"
)

// flushStatement is a transaction that changes nothing, and is on disk when it is committed,
// with all that were committed before: the server has one log. One that writes nothing to
// it would not wait for the disk.
const flushStatement = "SELECT pg_logical_emit_message(true, 'ticketfrei', '')"

// flusher sees to it that what the writers committed without waiting for the disk is on it.
// It is what the syncer is for a file.
type flusher struct {
	*toDisk
	pool *sql.DB
	away *away

	// conn lasts: where it is lost, the server may have lost what was not on disk. One to a
	// pooler does not tell.
	conn   *sql.Conn
	pooled bool

	mu sync.Mutex
	// open are the numbers of the last transactions of writers that may not be on disk, by
	// the writers' rows.
	open map[string]int64
}

// errForgotten is that what was committed is not there any more.
var errForgotten = errors.New("the server has stopped, and may have lost what was not on its disk")

func startFlusher(pool *sql.DB, a *away, pooled bool) *flusher {
	f := &flusher{pool: pool, away: a, pooled: pooled, open: map[string]int64{}}
	f.toDisk = startToDisk(f.flush)
	return f
}

// stop flushes what is not on disk yet. Nothing may be added afterwards.
func (f *flusher) stop() {
	f.toDisk.stop()
	f.drop()
}

// committed notes that the transaction of a writer with that number was committed, and may
// not be on disk.
func (f *flusher) committed(row string, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[row] = n
}

func (f *flusher) flush() error {
	f.mu.Lock()
	open := maps.Clone(f.open)
	f.mu.Unlock()
	err := f.emit(open)
	if err != nil {
		err = &awayError{f.away.where, err}
	}
	f.away.noticed(err)
	f.mu.Lock()
	defer f.mu.Unlock()
	// What is lost is so once: whoever waited for it is told.
	maps.DeleteFunc(f.open, func(row string, n int64) bool { return n == open[row] })
	return err
}

// emit puts on disk what is committed. The connection may have been lost long ago, and
// another server may be there by now: then it looks whether all that is open is there.
func (f *flusher) emit(open map[string]int64) error {
	within := writeWithin
	if f.away.error() != nil {
		within = awayWithin
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for {
		err := f.try(ctx, open)
		if err == nil || errors.Is(err, errForgotten) || ctx.Err() != nil || !serverAway(err) {
			return err
		}
		if sleep(ctx, flushAgain) != nil {
			return err
		}
	}
}

// flushAgain is how long to wait before it is tried again.
const flushAgain = 10 * time.Millisecond

func (f *flusher) try(ctx context.Context, open map[string]int64) (err error) {
	lasts := f.conn != nil && !f.pooled
	if f.conn == nil {
		if f.conn, err = f.pool.Conn(ctx); err != nil {
			return err
		}
	}
	_, err = f.conn.ExecContext(ctx, flushStatement)
	if err == nil && !lasts {
		err = remembers(ctx, f.conn, open)
	}
	if err != nil {
		f.drop()
	}
	return err
}

// remembers is errForgotten where one of the transactions is not there.
func remembers(ctx context.Context, conn *sql.Conn, open map[string]int64) error {
	for row, n := range open {
		var there bool
		err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM writers WHERE id = $1 AND n >= $2)", row, n).Scan(&there)
		if err != nil {
			return err
		}
		if !there {
			return errForgotten
		}
	}
	return nil
}

func (f *flusher) drop() {
	if f.conn != nil {
		discard(f.conn)
		f.conn = nil
	}
}
