package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// smallDisk is a file system in memory that can be filled up without harm to
// anybody else.
type smallDisk struct{ dir string }

// mountSmallDisk mounts one at dir. The error is errSkipped without the right
// to do so.
func mountSmallDisk(dir string, megabytes int) (*smallDisk, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes))
	if err != nil {
		return nil, fmt.Errorf("%w: a disk that can be filled up needs the right to mount one: %w", errSkipped, err)
	}
	return &smallDisk{dir}, nil
}

// ballast is the file that fills the disk.
func (d *smallDisk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill leaves no room.
func (d *smallDisk) fill() error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			return err
		}
	}
	return nil
}

// empty makes room again.
func (d *smallDisk) empty() error {
	if err := os.Remove(d.ballast()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// unmount removes the disk; nil has nothing to remove.
func (d *smallDisk) unmount() error {
	if d == nil {
		return nil
	}
	return unix.Unmount(d.dir, 0)
}
