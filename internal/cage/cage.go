// Package cage starts the operator's own programs so that they reach nothing of ours: not
// the database, not the key of its secrets, not our memory or environment, and no file
// that was not named to them. What a program has started ends with it.
package cage

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// Command is the hidden command of this program that becomes the caged one: see Helper.
const Command = "program-exec"

// Options say what to start, and what it may do.
type Options struct {
	// Command is the program and its arguments. A name without "/" is a file of Dir that
	// may be executed, or else looked for in PATH. There is no shell.
	Command []string
	// Dir is the program's own directory: there it runs, reads and writes.
	Dir string
	// Files is what it may also read, with what lies below, and write where it is a device
	// as /dev/ttyUSB0, or a socket. Relative ones begin in Dir.
	Files []string
	// Requires are the commands that it calls: what belongs to them may be read, too.
	Requires []string
	// Hidden is what no program may read, as the data directory. Start fails where Dir or
	// Files would show it.
	Hidden []string
	// Network tells whether it may open connections.
	Network bool
	// Memory bounds what each of its processes takes, in MiB; 0: nothing does.
	Memory int
	// User is who it runs as: a name, a number, or two as "65534:65534"; empty: as we do.
	// Only root may run it as somebody else.
	User string
	// Trusted starts it also where the kernel cannot keep it from our files.
	Trusted bool
}

// Process is a program that was started. Somebody must read Stdout and Stderr, and call
// Close in the end.
type Process struct {
	PID            int
	Stdin          *os.File
	Stdout, Stderr *os.File // end with the program, or a second later

	done  chan struct{}
	ended error
	temp  string

	mu     sync.Mutex
	reaped bool // its number may be another's
}

// Done is closed when the program has ended, and all that it has started with it.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err waits until the program has ended and says how: nil is exit code 0, an
// *exec.ExitError another one or a signal.
func (p *Process) Err() error {
	<-p.done
	return p.ended
}

// Signal sends a signal to the program and to all that it has started.
func (p *Process) Signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(-p.PID, s)
	}
}

// Kill ends it at once. It does not wait.
func (p *Process) Kill() { p.Signal(syscall.SIGKILL) }

// mercy is how long a program has between SIGTERM and SIGKILL.
const mercy = 500 * time.Millisecond

// Stop closes its input, which asks it to end, and waits until it has. After grace it is
// told by a signal, and then killed.
func (p *Process) Stop(grace time.Duration) {
	_ = p.Stdin.Close()
	if p.endsWithin(grace) {
		return
	}
	p.Signal(syscall.SIGTERM)
	if !p.endsWithin(mercy) {
		p.Kill()
		<-p.done
	}
}

func (p *Process) endsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// Close kills the program, waits for its end, and closes its pipes.
func (p *Process) Close() {
	p.Kill()
	<-p.done
	for _, end := range []*os.File{p.Stdin, p.Stdout, p.Stderr} {
		_ = end.Close()
	}
}
