package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// sweeper unmounts file systems when this process ends, however it ends: mounts
// and loop devices outlive a process that is killed. It is a shell that waits for
// the end of its input, which no other process can keep open.
type sweeper struct {
	cmd   *exec.Cmd
	leash io.Closer
}

// sweeping unmounts each directory as soon as nobody uses it any more. What is in
// use for too long vanishes from the tree at once, and ends with its last user.
const sweeping = `
read -r _
for dir in "$@"; do
	tries=0
	while mountpoint -q "$dir" && ! umount "$dir" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || { umount -l "$dir"; break; }
		sleep 0.1
	done
done`

// sweepTimeout bounds the unmounting of all.
const sweepTimeout = time.Minute

// startSweeper starts one for what will be mounted at these directories. They are
// unmounted in this order.
func startSweeper(dirs ...string) (*sweeper, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", sweeping, "sweeper"}, dirs...)...)
	// In a session of its own, no signal from the terminal reaches it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	leash, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a process that will unmount: %w", err)
	}
	return &sweeper{cmd, leash}, nil
}

// sweep unmounts everything that is mounted, and waits for that.
func (s *sweeper) sweep() error {
	s.leash.Close()
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("unmount: %w", err)
		}
		return nil
	case <-time.After(sweepTimeout):
		return errors.Join(errors.New("unmounting takes too long"), s.cmd.Process.Kill())
	}
}
