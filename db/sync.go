package db

import (
	"errors"
	"io/fs"
	"os"
	"sync"
)

// syncer brings commits to disk. SQLite (WAL, synchronous=NORMAL) writes a
// commit to its log without waiting for the disk. A later fsync of the log
// makes it, and all commits before it, durable. A killed process loses nothing
// in between; only a machine that loses power does.
type syncer struct {
	*toDisk
	path  string // of the write-ahead log
	space *space
	file  *os.File

	running sync.Mutex // held while it syncs
}

func startSyncer(path string, sp *space) *syncer {
	s := &syncer{path: path, space: sp}
	s.toDisk = startToDisk(func() error {
		err := s.fsync()
		s.space.noticed(err)
		return err
	})
	return s
}

// stop brings to disk what is not there yet. Nothing may be added afterwards.
func (s *syncer) stop() error {
	s.toDisk.stop()
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// rest returns when no sync is under way.
func (s *syncer) rest() {
	s.running.Lock()
	defer s.running.Unlock()
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
