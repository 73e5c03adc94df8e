package db

import (
	"context"
	"database/sql"
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

	// conn lasts: where it is lost, the server may have lost what was not on disk.
	conn *sql.Conn
}

func startFlusher(pool *sql.DB, a *away) *flusher {
	f := &flusher{pool: pool, away: a}
	f.toDisk = startToDisk(f.flush)
	return f
}

// stop flushes what is not on disk yet. Nothing may be added afterwards.
func (f *flusher) stop() {
	f.toDisk.stop()
	f.drop()
}

func (f *flusher) flush() error {
	err := f.emit()
	if err != nil {
		err = &awayError{f.away.where, err}
	}
	f.away.noticed(err)
	return err
}

func (f *flusher) emit() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	if f.conn == nil {
		if f.conn, err = f.pool.Conn(ctx); err != nil {
			return err
		}
	}
	if _, err = f.conn.ExecContext(ctx, flushStatement); err != nil {
		f.drop()
	}
	return err
}

func (f *flusher) drop() {
	if f.conn != nil {
		discard(f.conn)
		f.conn = nil
	}
}
