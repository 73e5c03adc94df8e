package cage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxTasks is how many threads the programs of a user may run beside what the user runs
// already, and how many processes one of root's.
const maxTasks = 128

// How often a program is looked at: one of root's can become many in no time.
const (
	watchEvery     = 500 * time.Millisecond
	watchRootEvery = 100 * time.Millisecond
)

// boundOfTasks is what the kernel is told; it counts all of a user, and does not bound root.
func (p *plan) boundOfTasks() uint64 {
	uid := p.uid()
	if uid == 0 {
		return 0
	}
	return uint64(tasksOf(uid) + maxTasks)
}

// watch ends the program when it takes more than it may in ways that the kernel does not
// count. The function it returns ends the watching, and says what the program was ended for.
func (p *Process) watch(plan *plan) (stop func() error) {
	end, result := make(chan struct{}), make(chan error, 1)
	go func() { result <- p.watchUntil(end, plan) }()
	return func() error {
		close(end)
		return <-result
	}
}

func (p *Process) watchUntil(end <-chan struct{}, plan *plan) error {
	every, root := watchEvery, plan.spec.Tasks == 0
	if root {
		every = watchRootEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for calm := allTasks(); ; {
		select {
		case <-end:
			return nil
		case <-ticker.C:
		}
		if plan.spec.Memory > 0 && resident(p.PID) > plan.spec.Memory {
			p.Kill()
			return fmt.Errorf("the program was ended because it took more than %d MiB of memory", plan.spec.Memory)
		}
		if now := allTasks(); root && now > calm+maxTasks {
			if n := p.multiplied(); n > 0 {
				return fmt.Errorf("the program was ended because it had started %d processes", n)
			}
			calm = now // it was somebody else
		}
	}
}

// multiplied ends the program if it has become too many, and returns how many. While it is
// counted it is stopped: it would be faster than we are. One that somebody else has stopped
// stays so.
func (p *Process) multiplied() int {
	stopped := isStopped(p.PID)
	p.Signal(syscall.SIGSTOP)
	n := groupSize(p.PID)
	if n > maxTasks {
		p.Kill()
		return n
	}
	if !stopped {
		p.Signal(syscall.SIGCONT)
	}
	return 0
}

// isStopped tells whether a process was stopped by a signal.
func isStopped(pid int) bool {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(raw), ") ")
	return strings.HasPrefix(rest, "T")
}

// resident returns how much memory a process has in MiB; 0 where that is not known.
func resident(pid int) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize() >> 20
}

// allTasks returns how many threads the machine has, which is one small read.
func allTasks() int {
	raw, _ := os.ReadFile("/proc/loadavg") // 0.20 0.18 0.12 1/80 11206
	_, rest, _ := strings.Cut(string(raw), "/")
	count, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(count)
	return n
}

// groupSize returns how many processes a group has.
func groupSize(group int) (n int) {
	for _, s := range allStats() {
		if s.group == group {
			n++
		}
	}
	return n
}

// tasksOf returns how many threads a user has.
func tasksOf(uid int) (n int) {
	lists, _ := filepath.Glob("/proc/[0-9]*/task")
	for _, path := range lists {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if stat, is := info.Sys().(*syscall.Stat_t); is && int(stat.Uid) == uid {
			n += int(stat.Nlink) - 2 // a directory for each
		}
	}
	return n
}
