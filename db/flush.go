package db

import (
	"context"
	"database/sql"
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
	pool   *sql.DB
	away   *away
	urgent chan struct{}
	lazy   chan struct{}
	quit   chan struct{}
	done   chan struct{}

	// conn lasts: where it is lost, the server may have lost what was not on disk.
	conn *sql.Conn

	mu      sync.Mutex
	waiting []func(error) // called after the next flush
}

func startFlusher(pool *sql.DB, a *away) *flusher {
	f := &flusher{pool: pool, away: a, urgent: make(chan struct{}, 1), lazy: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{})}
	go f.run()
	return f
}

// after calls fn, from another goroutine, when everything committed before the call is on
// disk or may have failed to get there.
func (f *flusher) after(fn func(error)) { f.add(fn, f.lazy) }

// soon is like after, but does not wait for more to come.
func (f *flusher) soon(fn func(error)) { f.add(fn, f.urgent) }

// wait returns when everything committed before is on disk, or may have failed to get there.
func (f *flusher) wait() error {
	done := make(chan error, 1)
	f.soon(func(err error) { done <- err })
	return <-done
}

func (f *flusher) add(fn func(error), signal chan<- struct{}) {
	f.mu.Lock()
	f.waiting = append(f.waiting, fn)
	f.mu.Unlock()
	select {
	case signal <- struct{}{}:
	default: // a signal is waiting already
	}
}

// stop flushes what is not on disk yet. Nothing may be added afterwards.
func (f *flusher) stop() {
	close(f.quit)
	<-f.done
}

func (f *flusher) run() {
	defer close(f.done)
	for {
		select {
		case <-f.urgent:
		case <-f.lazy:
			select {
			case <-f.urgent:
			case <-time.After(lazyDelay):
			case <-f.quit:
			}
		case <-f.quit:
			f.flush()
			f.drop()
			return
		}
		f.flush()
	}
}

func (f *flusher) flush() {
	f.mu.Lock()
	list := f.waiting
	f.waiting = nil
	f.mu.Unlock()
	if len(list) == 0 {
		return
	}
	err := f.emit()
	if err != nil {
		err = &awayError{f.away.where, err}
	}
	f.away.noticed(err)
	for _, fn := range list {
		fn(err)
	}
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
