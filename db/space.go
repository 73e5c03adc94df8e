package db

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
)

// reserve is how many bytes of the disk the store leaves free for what must go
// on while it is full: outcomes, deletions, checkpoints.
const reserve = 64 << 20

// tellAgain is how often at most the log says that the store is full.
const tellAgain = time.Minute

// ErrFull means that nothing new is stored for now, since there is no room or
// the disk does not take what is written to it.
var ErrFull = errors.New("the database cannot grow")

// space knows whether there is room for more.
type space struct {
	dir string
	log *slog.Logger
	now atomic.Pointer[fullError] // nil: there is room

	mu     sync.Mutex
	failed error     // a write that failed for lack of room; nil: none since the last that succeeded
	told   time.Time // when the log last heard of it
}

func newSpace(dir string, log *slog.Logger) *space {
	s := &space{dir: dir, log: log}
	s.look()
	return s
}

// fullError is ErrFull with what is wrong and how to mend it.
type fullError struct{ words string }

func (e *fullError) Error() string { return ErrFull.Error() + ": " + e.words }

func (e *fullError) Unwrap() error { return ErrFull }

// Full returns nil while there is room for more, and otherwise an error that is
// ErrFull and says where the room is missing and how to mend it. It costs
// nothing to ask. What was stored before can still be read, sent and deleted.
func (d *DB) Full() error {
	if d.OnServer() {
		return d.server.away.error()
	}
	if e := d.space.now.Load(); e != nil {
		return e
	}
	return nil
}

// look finds out how much room there is.
func (s *space) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(s.missing())
}

// missing returns what is wrong, nil if nothing is.
func (s *space) missing() *fullError {
	free, need, err := Room(s.dir)
	if err == nil && free < need {
		return &fullError{fmt.Sprintf("the disk of %s has %d MB left and must have %d: make room there; everything goes on by itself then",
			s.dir, free>>20, need>>20)}
	}
	if s.failed != nil {
		return &fullError{fmt.Sprintf("writing to %s fails (%v), though its disk has %d MB left: look at its quota and at what the system logs about the disk; everything goes on by itself once a write succeeds",
			s.dir, s.failed, free>>20)}
	}
	return nil
}

// Room returns how many bytes are free for the files in dir, and how many must
// be for the store to take more.
func Room(dir string) (free, need int64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	size := int64(fs.Bsize)
	return int64(fs.Bavail) * size, min(reserve, int64(fs.Blocks)*size/8), nil
}

// set notes what is wrong and tells the log when that begins and ends.
func (s *space) set(e *fullError) {
	before := s.now.Swap(e)
	switch {
	case e != nil && before == nil && time.Since(s.told) > tellAgain:
		s.told = time.Now()
		s.log.Error("nothing new is stored for now", "err", e)
	case e == nil && before != nil:
		s.log.Info("there is room again: everything is stored as usual", "dir", s.dir)
	}
}

// noticed takes the error of a write. If the disk did not take it, the store is
// full from now on.
func (s *space) noticed(err error) {
	if !refusedByDisk(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	s.set(s.missing())
}

// refusedByDisk tells errors of the disk from others.
func refusedByDisk(err error) bool {
	if e, ok := errors.AsType[sqlite3.Error](err); ok {
		return e.Code == sqlite3.ErrFull || e.Code == sqlite3.ErrIoErr
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EIO)
}

// pending reports whether a write failed and none has succeeded since, though
// there is room.
func (s *space) pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	free, need, err := Room(s.dir)
	return s.failed != nil && (err != nil || free >= need)
}

// mended notes that the disk takes writes again.
func (s *space) mended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = nil
	s.set(s.missing())
}

// Room returns how many bytes are free for the database, and how many must be; 0 where it is
// on a server.
func (d *DB) Room() (free, need int64, err error) {
	if d.OnServer() {
		return 0, 0, nil
	}
	return Room(d.space.dir)
}
