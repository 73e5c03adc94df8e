package cage

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Helper is to be called with the arguments of the command line before anything else. Where
// they are the hidden command that Start runs, it becomes the program, or returns the exit
// code: is is true.
func Helper(args []string) (code int, is bool) {
	if len(args) != 2 || args[0] != Command || os.Getenv("TICKETFREI_PROGRAM") == "" {
		return 0, false
	}
	status := os.NewFile(3, "status")
	if err := become(args[1]); err != nil {
		fmt.Fprintln(status, err)
	}
	return 127, true
}

// become cages this process and makes it the program. It returns what keeps it from that.
func become(raw string) error {
	var s spec
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return fmt.Errorf("%s is run by the server alone: %w", Command, err)
	}
	runtime.LockOSThread() // what follows holds for this thread, which becomes the program
	closeInherited()
	yieldToOthers()
	dropCapabilities()
	if err := adopt(); err != nil {
		return err
	}
	if err := restrict(s); err != nil {
		return err
	}
	env := os.Environ()
	if err := limit(s); err != nil {
		return err
	}
	return explainExec(s.Argv[0], syscall.Exec(s.Argv[0], s.Argv, env))
}

// yieldToOthers has the kernel end programs first where memory is short, and give others
// more of the processors where these are.
func yieldToOthers() {
	const niceness = 5
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness)
}

// closeInherited has everything but the three pipes closed when the program begins.
func closeInherited() {
	if unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	for fd := 3; fd < 1<<16; fd++ { // an old kernel, or a container that forbids it
		unix.CloseOnExec(fd)
	}
}

// dropCapabilities leaves a program that runs as root without its powers, but for its files.
func dropCapabilities() {
	for capability := range uintptr(64) { // more than there are
		_ = unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
}

// restrict keeps this thread from all files but those of s, and from new rights. Kernels
// that can do less do what they can: Start has looked whether that is enough.
func restrict(s spec) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	fd, flags, err := rules(s)
	if err != nil {
		return fmt.Errorf("keep the program from other files: %w", err)
	}
	if fd < 0 {
		return nil // there is no Landlock
	}
	if err := llsyscall.LandlockRestrictSelf(fd, flags); err != nil {
		return fmt.Errorf("keep the program from other files: %w", err)
	}
	return nil
}

// rules makes the kernel's form of s.
func rules(s spec) (fd int, flags uint32, err error) {
	config := landlock.V11
	if !s.NoTCP {
		config.HandledAccessNet = 0
	}
	var list []landlock.Rule
	write := landlock.RWDirs(s.Write...).WithResolveUnix()
	if landlockVersion() >= versionRefer {
		write = write.WithRefer()
	}
	list = append(list, write, landlock.RWFiles(s.Device...).WithIoctlDev().WithResolveUnix().IgnoreIfMissing())
	for _, path := range append(s.Read, "/proc/self") {
		if info, err := os.Stat(path); err == nil { // another user may not get there
			list = append(list, readable(path, info.IsDir()))
		}
	}
	return config.BestEffort().NewRulesetFD(list...)
}

func readable(path string, dir bool) landlock.Rule {
	if dir {
		return landlock.RODirs(path).WithResolveUnix().IgnoreIfMissing()
	}
	return landlock.ROFiles(path).IgnoreIfMissing()
}

// What a process of the program may take.
const (
	maxFiles     = 256
	maxFileBytes = 1 << 30
)

// limit bounds what the program takes. The bound of memory is the last: it is one of ours,
// too, until we have become the program.
func limit(s spec) error {
	limits := []struct {
		what int
		n    uint64 // 0: no limit, but for the core
	}{
		{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, maxFiles}, {unix.RLIMIT_FSIZE, maxFileBytes},
		{unix.RLIMIT_NPROC, s.Tasks}, {unix.RLIMIT_DATA, uint64(s.Memory) << 20},
	}
	for _, l := range limits {
		if l.n == 0 && l.what != unix.RLIMIT_CORE {
			continue
		}
		if err := syscall.Setrlimit(l.what, &syscall.Rlimit{Cur: l.n, Max: l.n}); err != nil {
			return fmt.Errorf("limit the program: %w", err)
		}
	}
	return nil
}

// explainExec says what the operator can do about a program that was not executed.
func explainExec(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf(`command: %s is no program of this machine: a script begins with a line such as "#!/bin/sh"`, path)
	case errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("command: %s, or what its first line names, is not there (a first line that ends in a carriage return names nothing)", path)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("command: %s, or what its first line names, may not be executed by the program: %w; name where it lies in files", path, err)
	default:
		return fmt.Errorf("command: %s: %w", path, err)
	}
}
