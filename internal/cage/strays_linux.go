package cage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// adopt makes this process the parent of what its children leave behind, which it could not
// find nor reap otherwise. A program adopts what its own children leave, so that we do not
// see it before the program has ended.
func adopt() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt what a program leaves behind: %w", err)
	}
	return nil
}

// awaitGroup waits until what was killed of a group is gone, for a second at most.
func awaitGroup(group int) {
	for range 200 {
		for reaped := 1; reaped > 0; {
			reaped, _ = syscall.Wait4(-group, nil, syscall.WNOHANG, nil)
		}
		if errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// endStrays ends what has left the group of a program that has ended. It is known by the
// program's own directory for temporary files.
func endStrays(temp string) {
	mark := []byte("\x00TMPDIR=" + temp + "\x00")
	for range 20 { // what one of them has started is ours once it has ended
		found := false
		for _, s := range allStats() {
			if s.parent != os.Getpid() {
				continue
			}
			environment, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.pid))
			if bytes.Contains(environment, mark) {
				found = true
				_ = syscall.Kill(s.pid, syscall.SIGKILL)
				_, _ = syscall.Wait4(s.pid, nil, 0, nil)
			}
		}
		if !found {
			return
		}
	}
}

// stat is what the kernel says of a process.
type stat struct{ pid, parent, group int }

// allStats returns all processes of the machine.
func allStats() (list []stat) {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		raw, _ := os.ReadFile(path) // pid (name) state parent group …; the name may hold anything
		fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
		if len(fields) < 3 {
			continue // it is gone
		}
		s := stat{}
		s.pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(path)))
		s.parent, _ = strconv.Atoi(string(fields[1]))
		s.group, _ = strconv.Atoi(string(fields[2]))
		list = append(list, s)
	}
	return list
}
