package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// serveLock is the name of the lock that a server has while it runs.
const serveLock = "serve.lock"

// lockFile takes the lock of that name in dir. It is released when the process
// ends, if not before. The error is errLocked if another process has the lock
// and wait is false.
func lockFile(dir, name string, wait bool) (unlock func(), err error) {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w; run this as the user that runs ticketfrei", err)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := giveToOwner(dir, path); err != nil {
		f.Close()
		return nil, err
	}
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// giveToOwner gives files that root has made in a data directory to whom that belongs, who could
// not start the server otherwise.
func giveToOwner(dir string, paths ...string) error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	for _, path := range paths {
		if err := os.Lchown(path, int(owner.Uid), int(owner.Gid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// giveAllToOwner is giveToOwner for what is in a data directory of which root has made a database.
func giveAllToOwner(dir string) error {
	var paths []string
	for _, name := range []string{db.FileName, db.FileName + "-wal", db.FileName + "-shm", secret.FileName} {
		paths = append(paths, filepath.Join(dir, name))
	}
	return giveToOwner(dir, paths...)
}

var errLocked = errors.New("locked by another process")
