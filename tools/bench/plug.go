package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// pluggedDisk is a disk whose plug can be pulled again and again while it is in
// use: an ext4 in a file on an XFS that can share blocks between files, which is
// itself in a file. A snapshot of the inner file is what a power cut leaves.
//
// What a snapshot holds: XFS keeps writes out while it clones, and waits for
// those under way, so every write that the block device had answered is in it,
// and those it was asked for meanwhile are in it whole or not at all. What was
// not yet handed to the device is not in it: pages that wait in the inner file
// system for its flusher, and its journal's open transaction. That is all that a
// program is promised without fsync, so a program that answers before its fsync
// has returned loses something here.
//
// Where it is milder than a real cut: the device loses nothing that it has
// answered. A disk with a cache of its own may lose what was written since the
// last flush, in any order, and may tear a block. So a snapshot shows whether the
// program waits for fsync, not whether kernel and disk make of an fsync what they
// should. A loop device passes flushes on all the same, as an fsync of the file
// it stands on, and each costs what it costs on the disk below.
type pluggedDisk struct {
	dir     string
	sweeper *sweeper
	clones  int
}

// The sizes of the files in bytes. They are sparse: only what is written takes
// room.
const (
	outerSize = 32 << 30
	innerSize = 2 << 30
)

func (d *pluggedDisk) outer() string { return filepath.Join(d.dir, "outer") }
func (d *pluggedDisk) image() string { return filepath.Join(d.outer(), "disk.img") }

// disk is where the disk that is in use is mounted, after the directory where a
// snapshot is.
func (d *pluggedDisk) disk() string { return filepath.Join(d.dir, "disk") }
func (d *pluggedDisk) cut() string  { return filepath.Join(d.dir, "cut") }

// innerOptions are those of an ordinary ext4, in so many words.
const innerOptions = "data=ordered,barrier=1"

// openPluggedDisk makes a disk in the directory dir and mounts it. The error is
// errSkipped where this machine cannot have one.
func openPluggedDisk(dir string) (*pluggedDisk, error) {
	if os.Getuid() != 0 {
		return nil, fmt.Errorf("%w: a disk to snapshot needs root", errSkipped)
	}
	d := &pluggedDisk{dir: dir}
	var err error
	if d.sweeper, err = startSweeper(d.cut(), d.disk(), d.outer()); err != nil {
		return nil, err
	}
	if err := d.open(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *pluggedDisk) open() error {
	outer := filepath.Join(d.dir, "outer.img")
	if err := makeImage(outer, outerSize, "mkfs.xfs", "-q", "-m", "reflink=1"); err != nil {
		return fmt.Errorf("%w (apt install xfsprogs)", err)
	}
	if err := mountImage(outer, d.outer(), "xfs", ""); err != nil {
		return err
	}
	if err := makeImage(d.image(), innerSize, "mkfs.ext4", "-q", "-F"); err != nil {
		return err
	}
	return mountImage(d.image(), d.disk(), "ext4", innerOptions)
}

// snapshot keeps what a power cut would leave now, and returns the file.
func (d *pluggedDisk) snapshot() (string, error) {
	d.clones++
	file := filepath.Join(d.outer(), fmt.Sprintf("cut-%d.img", d.clones))
	return file, cloneFile(d.image(), file)
}

// plugIn mounts a snapshot at cut, as the first start after the power cut does.
// It is used up by that.
func (d *pluggedDisk) plugIn(snapshot string) error {
	return mountImage(snapshot, d.cut(), "ext4", innerOptions)
}

// unplug unmounts what is mounted at cut and removes the snapshot.
func (d *pluggedDisk) unplug(snapshot string) error {
	if err := unix.Unmount(d.cut(), 0); err != nil {
		return fmt.Errorf("unmount a snapshot: %w", err)
	}
	return os.Remove(snapshot)
}

// close unmounts everything. Nobody may use it any more; nil has nothing to
// unmount.
func (d *pluggedDisk) close() error {
	if d == nil {
		return nil
	}
	return d.sweeper.sweep()
}
