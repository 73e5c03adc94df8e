package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
)

// How the log is kept short. A frame of the log holds a page of 4 KiB.
const (
	houseEvery = time.Second
	// logFrames is how long the log may get before it begins again: 256 MB.
	logFrames = 1 << 16
	// fewFrames is how many frames the writer may copy while others wait for it.
	fewFrames = 1 << 10
	// readerWait is how long the writer waits for those who read from the log.
	readerWait = 50 * time.Millisecond
	// nextTry is how long after a reader was in the way it tries again.
	nextTry = 10 * time.Second
)

// housekeeper copies from the log into the database what was committed, beside
// the writer: a commit that did so itself would be slow. It also looks after
// the free space.
type housekeeper struct {
	path   string // of the log
	pool   *sql.DB
	writer *writer
	syncer *syncer
	space  *space
	log    *slog.Logger
	cancel context.CancelFunc
	done   chan struct{}
	// longLog is how many frames the log may have before it begins again.
	longLog atomic.Int64

	mu     sync.Mutex // held during a checkpoint; SQLite allows one at a time
	copied int64      // how many commits are in the database; -1: who knows what was before
	later  time.Time  // when the log may begin again at the earliest
	told   time.Time  // when the log last heard that a checkpoint failed
}

func startHousekeeper(d *DB, pool *sql.DB, log *slog.Logger) *housekeeper {
	ctx, cancel := context.WithCancel(context.Background())
	h := &housekeeper{path: d.path + "-wal", pool: pool, writer: d.writer, syncer: d.syncer, space: d.space,
		log: log, cancel: cancel, done: make(chan struct{}), copied: -1}
	h.longLog.Store(logFrames)
	go h.run(ctx)
	return h
}

// stop ends the housekeeping. The writer must still be running.
func (h *housekeeper) stop() error {
	h.cancel()
	<-h.done
	return h.pool.Close()
}

func (h *housekeeper) run(ctx context.Context) {
	defer close(h.done)
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h.space.look()
		if err := h.copyLog(ctx); err != nil && ctx.Err() == nil {
			h.space.noticed(err)
			h.tell(err)
		}
		if h.space.pending() {
			h.tryWrite(ctx)
		}
	}
}

// tell logs a failed checkpoint, but not each second.
func (h *housekeeper) tell(err error) {
	if time.Since(h.told) < tellAgain {
		return
	}
	h.told = time.Now()
	h.log.Error("the database's log cannot be copied into the database: it grows until that works again", "err", err)
}

// copyLog copies what was committed since the last time. A log that is long
// begins again.
func (h *housekeeper) copyLog(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	commits := h.writer.commits.Load()
	if commits == h.copied {
		return nil
	}
	p, err := h.passive(ctx)
	if err != nil {
		return err
	}
	if p.left() == 0 {
		h.copied = commits
	}
	if p.frames < h.longLog.Load() || time.Now().Before(h.later) {
		return nil
	}
	begun, err := h.begin(ctx, "RESTART")
	if !begun {
		h.later = time.Now().Add(nextTry)
	}
	return err
}

// begin makes the log begin again, with TRUNCATE as an empty file, and reports
// whether it could: it cannot while somebody has been reading for long. It is
// done by the writer, so that nobody else has to wait for the writer's lock;
// what is in the log by now is copied before, so that the writer is quick.
func (h *housekeeper) begin(ctx context.Context, mode string) (bool, error) {
	commits := h.writer.commits.Load()
	p, err := h.passive(ctx)
	if err != nil {
		return false, err
	}
	if held := p.left() > 0 && h.writer.commits.Load() == commits; held || p.left() > fewFrames {
		return false, nil
	}
	err = h.writer.exclusive(ctx, func(g *gorm.DB) error {
		p, err = byWriter(ctx, g, mode)
		return err
	})
	if err != nil {
		return false, err
	}
	return !p.busy, nil
}

// byWriter runs a checkpoint on the writer's connection. Readers make it fail
// sooner than they make a write fail.
func byWriter(ctx context.Context, g *gorm.DB, mode string) (p progress, err error) {
	pool, err := g.DB()
	if err != nil {
		return p, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return p, err
	}
	defer conn.Close()
	if err := setBusyTimeout(ctx, conn, readerWait); err != nil {
		return p, err
	}
	defer func() {
		err = errors.Join(err, setBusyTimeout(context.WithoutCancel(ctx), conn, busyTimeout))
	}()
	return checkpoint(ctx, conn, mode)
}

func setBusyTimeout(ctx context.Context, conn *sql.Conn, d time.Duration) error {
	_, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", d.Milliseconds()))
	return err
}

// passive copies what nobody reads from the log any more.
func (h *housekeeper) passive(ctx context.Context) (progress, error) {
	return checkpoint(ctx, h.pool, "PASSIVE")
}

// progress is what a checkpoint came to.
type progress struct {
	busy   bool  // somebody was in the way
	frames int64 // of the log
	copied int64 // how many of them are in the database
}

func (p progress) left() int64 { return p.frames - p.copied }

func checkpoint(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, mode string) (progress, error) {
	var p progress
	err := q.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&p.busy, &p.frames, &p.copied)
	if err != nil {
		return p, fmt.Errorf("checkpoint: %w", err)
	}
	return p, nil
}

// EmptyLog copies the log into the database and empties its file, so that what
// was deleted or overwritten is in neither. It reports whether it could: it
// cannot while somebody has been reading for long, such as a backup.
func (d *DB) EmptyLog(ctx context.Context) (bool, error) {
	if d.OnServer() { // VACUUM of the server does that
		return true, nil
	}
	emptied, err := d.house.empty(ctx)
	if err != nil {
		return false, fmt.Errorf("empty the database's log: %w", err)
	}
	return emptied, nil
}

func (h *housekeeper) empty(ctx context.Context) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	info, err := os.Stat(h.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if _, err := h.passive(ctx); err != nil {
		return false, err
	}
	return h.begin(ctx, "TRUNCATE")
}

// tryWrite finds out whether the disk takes writes again after it did not. Its
// log must begin again for that: what was in there when it could not be synced
// is then in the database.
func (h *housekeeper) tryWrite(ctx context.Context) {
	if emptied, err := h.empty(ctx); err != nil || !emptied {
		return
	}
	err := h.writer.do(ctx, &job{fn: rewriteVersion})
	if err == nil {
		err = h.syncer.wait()
	}
	if err == nil {
		h.space.mended()
	}
}

// rewriteVersion is a write that changes nothing.
func rewriteVersion(tx *gorm.DB) error {
	var version int
	if err := queryRow(tx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	_, err := Exec(tx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}
