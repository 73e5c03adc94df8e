package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// makeImage makes a file of that size with nothing in it but an empty file
// system: mkfs and its arguments, before the name of the file.
func makeImage(path string, size int64, mkfs ...string) error {
	program, err := exec.LookPath(mkfs[0])
	if err != nil {
		return fmt.Errorf("%w: %s is not installed", errSkipped, mkfs[0])
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return err
	}
	if out, err := exec.Command(program, append(mkfs[1:], path)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", mkfs[0], err, out)
	}
	return nil
}

// mountImage mounts the file system in a file at dir, through a loop device that
// is gone when it is unmounted. The error is errSkipped without the right to do
// so, or where the kernel does not have it.
func mountImage(path, dir, kind, options string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	image, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer image.Close()
	device, err := attachLoop(image)
	if err != nil {
		return fmt.Errorf("%w: a disk to snapshot needs loop devices and the right to use them: %w", errSkipped, err)
	}
	// From here on only the mount keeps the device.
	defer device.Close()
	err = unix.Mount(device.Name(), dir, kind, 0, options)
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("%w: a disk to snapshot needs %s and the right to mount it: %w", errSkipped, kind, err)
	case err != nil:
		return fmt.Errorf("mount %s: %w", path, err)
	}
	return nil
}

// loopTries is how often a free loop device is looked for: another process may
// take it first.
const loopTries = 10

// attachLoop makes a file a block device. It reads and writes past the page
// cache, so that nothing is kept twice, and passes a flush on as an fsync of the
// file.
func attachLoop(image *os.File) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for range loopTries {
		var n int
		if n, err = unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE); err != nil {
			return nil, err
		}
		var device *os.File
		if device, err = os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0); err != nil {
			return nil, err
		}
		config := unix.LoopConfig{Fd: uint32(image.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR | unix.LO_FLAGS_DIRECT_IO}}
		if err = unix.IoctlLoopConfigure(int(device.Fd()), &config); err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) {
			break
		}
	}
	return nil, err
}

// cloneFile makes to a copy of from as it is at one moment, which shares its
// blocks (ioctl_ficlone(2)).
func cloneFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = unix.IoctlFileClone(int(f.Fd()), int(source.Fd()))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("snapshot of %s: %w", filepath.Base(from), err)
	}
	return nil
}
