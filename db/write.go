package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"gorm.io/gorm"
)

// Bounds of one transaction: how many writes of each kind share it, and how many
// rows those that do not wait for the disk may add to it. A write is always whole.
const (
	groupSize = 256
	groupRows = 512
)

// errClosed is what Write returns after Close.
var errClosed = errors.New("the database is closed")

// Write runs fn in a transaction and returns when it is committed and on disk.
// Writes that come at the same time share a transaction and so one fsync. If
// one of them fails, fn is called a second time, alone, so it must have no
// effect except on tx. An error of fn rolls back what fn did and nothing else.
func (d *DB) Write(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return d.do(ctx, &job{fn: fn})
}

// WriteLong is Write for what stores so much that it takes minutes: cities of another server or
// program. Others wait for it.
func (d *DB) WriteLong(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return d.do(ctx, &job{fn: fn, long: true})
}

// WriteSoon is like Write, but returns when fn is committed and not yet on
// disk. A killed process loses nothing of it; a machine that loses power may.
// See AfterSync.
func (d *DB) WriteSoon(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return d.do(ctx, &job{fn: fn, soon: true, rows: 1})
}

// do has j done and returns when it is committed, and on disk unless it is soon.
func (d *DB) do(ctx context.Context, j *job) error {
	if d.OnServer() {
		err := d.server.writer(j).do(ctx, j)
		if err == nil && j.hearing != nil {
			err = d.disk.wait()
		}
		return err
	}
	if err := d.writer.do(ctx, j); err != nil || j.soon {
		return err
	}
	return d.disk.wait()
}

// AfterSync calls f, from another goroutine, when everything written before the
// call is on disk or has failed to get there. That takes a few milliseconds.
func (d *DB) AfterSync(f func(error)) { d.disk.after(f) }

// OnSync is like AfterSync, but at once.
func (d *DB) OnSync(f func(error)) { d.disk.soon(f) }

// job is a write, which shares its transaction with others.
type job struct {
	fn     func(tx *gorm.DB) error
	soon   bool    // nobody waits until it is on disk
	long   bool    // it may take minutes
	rows   int     // how many rows it adds, about
	key    int64   // jobs with one key are done in their order; the id of a city, or 0: in any
	claims []Claim // that must be good
	after  func()  // called when it is committed, in the order of the commits; it must not block; nil: nothing
	result chan error
	// hearing is stored by a server's writer in the place of fn; nil: fn is run.
	hearing *hearing
}

// jobs are what waits for one writer.
type jobs struct {
	urgent chan *job // those that somebody waits for: they go first
	soon   chan *job
	quit   chan struct{}
	once   sync.Once
	done   chan struct{} // the writer has ended
}

func newJobs() *jobs {
	return &jobs{urgent: make(chan *job, groupSize), soon: make(chan *job, groupSize), quit: make(chan struct{}), done: make(chan struct{})}
}

// stoppedJobs are those of a database that is not written to.
func stoppedJobs() *jobs {
	q := &jobs{quit: make(chan struct{}), done: make(chan struct{})}
	close(q.done)
	q.stop()
	return q
}

// stop has the writer do what is waiting, and end.
func (q *jobs) stop() {
	q.once.Do(func() { close(q.quit) })
	<-q.done
}

// do has j done and waits for that.
func (q *jobs) do(ctx context.Context, j *job) error {
	if j.soon {
		return q.through(ctx, q.soon, j)
	}
	return q.through(ctx, q.urgent, j)
}

// through hands j to the writer by a channel of its own and waits for what becomes of it.
func (q *jobs) through(ctx context.Context, to chan<- *job, j *job) error {
	j.result = make(chan error, 1)
	select {
	case to <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-q.quit:
		return errClosed
	}
	// From here on the write may happen: wait for its outcome, not for ctx.
	select {
	case err := <-j.result:
		return err
	case <-q.done:
		select {
		case err := <-j.result:
			return err
		default:
			return errClosed
		}
	}
}

// collect returns what is waiting for one transaction, urgent jobs before the
// others. One of urgent and soon was taken out already, or both are nil.
func (q *jobs) collect(urgent, soon *job) []*job {
	var group []*job
	for range groupSize {
		if urgent == nil {
			urgent = next(q.urgent)
		}
		if urgent == nil {
			break
		}
		group, urgent = append(group, urgent), nil
	}
	for n, rows := 0, 0; n < groupSize && rows < groupRows; n++ {
		if soon == nil {
			soon = next(q.soon)
		}
		if soon == nil {
			break
		}
		rows += soon.rows
		group, soon = append(group, soon), nil
	}
	return group
}

// next takes a job out that is waiting; nil where there is none.
func next(jobs <-chan *job) *job {
	select {
	case j := <-jobs:
		return j
	default:
		return nil
	}
}

// end tells whoever waits what became of the job.
func (j *job) end(err error) {
	if err == nil && j.after != nil {
		j.after()
	}
	j.result <- err
}

// writer is the one goroutine that writes to a file. SQLite takes one writer at a time,
// and waiting here is fairer and faster than waiting for its lock.
type writer struct {
	*jobs
	db      *gorm.DB
	syncer  *syncer
	tx      *gorm.DB // the transaction under way
	space   *space
	damage  *damage
	commits atomic.Int64 // how many there were
	alone   chan *job    // not within a transaction
}

func startWriter(g *gorm.DB, sync *syncer, s *space, d *damage) *writer {
	w := &writer{jobs: newJobs(), db: g, syncer: sync, space: s, damage: d, alone: make(chan *job),
		tx: g.Session(&gorm.Session{NewDB: true, Context: context.Background()})}
	go w.run()
	return w
}

// exclusive runs fn on the writing goroutine while no transaction is open.
func (w *writer) exclusive(ctx context.Context, fn func(g *gorm.DB) error) error {
	return w.through(ctx, w.alone, &job{fn: fn})
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case j := <-w.urgent:
			// It could only be synced after the sync under way: until then others come
			// that share the transaction.
			w.syncer.rest()
			w.runGroup(w.collect(j, nil))
		case j := <-w.soon:
			w.runGroup(w.collect(nil, j))
		case j := <-w.alone:
			j.result <- call(j.fn, w.db.Session(&gorm.Session{NewDB: true}))
		case <-w.quit:
			for group := w.collect(nil, nil); group != nil; group = w.collect(nil, nil) {
				w.runGroup(group)
			}
			return
		}
	}
}

// runGroup commits the group in one transaction. If one write fails, each gets
// a transaction of its own.
func (w *writer) runGroup(group []*job) {
	err := w.commit(group)
	w.space.noticed(err)
	w.damage.noticed(err)
	if err != nil && len(group) > 1 {
		for _, j := range group {
			j.end(w.commit([]*job{j}))
		}
		return
	}
	for _, j := range group {
		j.end(err)
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
	if err := tx.Commit(); err != nil {
		return err
	}
	w.commits.Add(1)
	return nil
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
