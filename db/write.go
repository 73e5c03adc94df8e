package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"gorm.io/gorm"
)

// groupSize bounds how many writes share one transaction.
const groupSize = 256

// errClosed is what Write returns after Close.
var errClosed = errors.New("the database is closed")

// Write runs fn in a transaction and returns when it is committed and on disk.
// Writes that come at the same time share a transaction and so one fsync. If
// one of them fails, fn is called a second time, alone, so it must have no
// effect except on tx. An error of fn rolls back what fn did and nothing else.
func (d *DB) Write(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if err := d.writer.do(ctx, fn); err != nil {
		return err
	}
	return d.syncer.wait()
}

// WriteSoon is like Write, but returns when fn is committed and not yet on
// disk. A killed process loses nothing of it; a machine that loses power may.
// See AfterSync.
func (d *DB) WriteSoon(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return d.writer.do(ctx, fn)
}

// AfterSync calls f, from another goroutine, when everything written before the
// call is on disk or has failed to get there. That takes a few milliseconds.
func (d *DB) AfterSync(f func(error)) { d.syncer.after(f) }

// writer is the one goroutine that writes. SQLite takes one writer at a time,
// and waiting here is fairer and faster than waiting for its lock.
type writer struct {
	db   *gorm.DB
	tx   *gorm.DB // the transaction under way
	jobs chan *job
	quit chan struct{}
	once sync.Once
	done chan struct{}
}

type job struct {
	fn     func(tx *gorm.DB) error
	result chan error
}

func startWriter(g *gorm.DB) *writer {
	w := &writer{db: g, tx: g.Session(&gorm.Session{NewDB: true, Context: context.Background()}), jobs: make(chan *job, groupSize), quit: make(chan struct{}), done: make(chan struct{})}
	go w.run()
	return w
}

func (w *writer) stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.done
}

func (w *writer) do(ctx context.Context, fn func(tx *gorm.DB) error) error {
	j := &job{fn: fn, result: make(chan error, 1)}
	select {
	case w.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return errClosed
	}
	// From here on the write may happen: wait for its outcome, not for ctx.
	select {
	case err := <-j.result:
		return err
	case <-w.done:
		select {
		case err := <-j.result:
			return err
		default:
			return errClosed
		}
	}
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case j := <-w.jobs:
			w.runGroup(w.collect(j))
		case <-w.quit:
			for len(w.jobs) > 0 {
				w.runGroup(w.collect(<-w.jobs))
			}
			return
		}
	}
}

// collect returns first and whatever else is waiting.
func (w *writer) collect(first *job) []*job {
	group := []*job{first}
	for len(group) < groupSize {
		select {
		case j := <-w.jobs:
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// runGroup commits the group in one transaction. If one write fails, each gets
// a transaction of its own.
func (w *writer) runGroup(group []*job) {
	err := w.commit(group)
	if err != nil && len(group) > 1 {
		for _, j := range group {
			j.result <- w.commit([]*job{j})
		}
		return
	}
	for _, j := range group {
		j.result <- err
	}
}

// commit runs the group in one transaction. It does what gorm's Transaction
// does, but with one handle for the whole group: gorm would make three for each
// write.
func (w *writer) commit(group []*job) error {
	pool, err := w.db.DB()
	if err != nil {
		return err
	}
	tx, err := pool.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	w.tx.Statement.ConnPool = tx
	for _, j := range group {
		if err := call(j.fn, w.tx); err != nil {
			_ = tx.Rollback() // the error of fn is the one to report
			return err
		}
	}
	return tx.Commit()
}

// call turns a panic of fn into an error, since the writing goroutine serves
// everybody.
func call(fn func(tx *gorm.DB) error, tx *gorm.DB) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a database write: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}
