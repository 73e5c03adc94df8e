package db

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"
)

// lazyDelay is how long a commit that nobody waits for may stay off the disk.
// Under load, many commits share one fsync.
const lazyDelay = 10 * time.Millisecond

// syncer brings commits to disk. SQLite (WAL, synchronous=NORMAL) writes a
// commit to its log without waiting for the disk. A later fsync of the log
// makes it, and all commits before it, durable. A killed process loses nothing
// in between; only a machine that loses power does.
type syncer struct {
	path   string // of the write-ahead log
	space  *space
	file   *os.File
	urgent chan struct{}
	lazy   chan struct{}
	quit   chan struct{}
	done   chan struct{}

	running sync.Mutex // held while it syncs
	mu      sync.Mutex
	waiting []func(error) // called after the next fsync
}

func startSyncer(path string, sp *space) *syncer {
	s := &syncer{path: path, space: sp, urgent: make(chan struct{}, 1), lazy: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// wait returns when everything committed before the call is on disk.
func (s *syncer) wait() error {
	result := make(chan error, 1)
	s.add(func(err error) { result <- err }, s.urgent)
	return <-result
}

// after calls f, from another goroutine, when everything committed before the
// call is on disk or has failed to get there.
func (s *syncer) after(f func(error)) { s.add(f, s.lazy) }

// soon is like after, but does not wait for more to come.
func (s *syncer) soon(f func(error)) { s.add(f, s.urgent) }

func (s *syncer) add(f func(error), signal chan<- struct{}) {
	s.mu.Lock()
	s.waiting = append(s.waiting, f)
	s.mu.Unlock()
	select {
	case signal <- struct{}{}:
	default: // a signal is waiting already
	}
}

// stop brings to disk what is not there yet. Nothing may be added afterwards.
func (s *syncer) stop() error {
	close(s.quit)
	<-s.done
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

func (s *syncer) run() {
	defer close(s.done)
	for {
		select {
		case <-s.urgent:
		case <-s.lazy:
			select {
			case <-s.urgent:
			case <-time.After(lazyDelay):
			case <-s.quit:
			}
		case <-s.quit:
			s.sync()
			return
		}
		s.sync()
	}
}

// rest returns when no sync is under way.
func (s *syncer) rest() {
	s.running.Lock()
	defer s.running.Unlock()
}

func (s *syncer) sync() {
	s.mu.Lock()
	list := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	if len(list) == 0 {
		return
	}
	err := s.fsync()
	s.space.noticed(err)
	for _, f := range list {
		f(err)
	}
}

func (s *syncer) fsync() error {
	s.running.Lock()
	defer s.running.Unlock()
	if s.file == nil {
		f, err := os.OpenFile(s.path, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was ever committed
		}
		if err != nil {
			return err
		}
		s.file = f
	}
	return s.file.Sync()
}
