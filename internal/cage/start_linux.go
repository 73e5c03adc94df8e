package cage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Start starts a program. It returns once the program runs, or with what keeps it from
// running, in words for the operator.
func Start(o Options) (*Process, error) {
	plan, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	temp, err := plan.makeTemp()
	if err != nil {
		return nil, err
	}
	if err := adopt(); err != nil {
		return nil, err
	}
	p := &Process{done: make(chan struct{}), temp: temp}
	started := make(chan error, 1)
	go p.run(plan, started)
	if err := <-started; err != nil {
		<-p.done
		return nil, err
	}
	return p, nil
}

// run starts the program and stays until it has ended. The kernel ends the program with the
// thread that started it, so that none outlives us: the thread is kept.
func (p *Process) run(plan *plan, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	defer os.RemoveAll(p.temp)
	cmd, err := p.start(plan)
	started <- err
	if err != nil {
		return
	}
	stop := p.watch(plan)
	p.ended = p.wait(cmd)
	if overuse := stop(); overuse != nil {
		p.ended = overuse
	}
	// What still holds the pipes has fled from the group; nobody waits for it.
	soon := time.Now().Add(time.Second)
	_ = p.Stdout.SetReadDeadline(soon)
	_ = p.Stderr.SetReadDeadline(soon)
}

// wait waits for the end of the program and ends what it leaves behind. Until the program is
// reaped, no other group can have its number.
func (p *Process) wait(cmd *exec.Cmd) error {
	for {
		err := unix.Waitid(unix.P_PID, p.PID, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.Kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaped = true
	err := cmd.Wait()
	awaitGroup(p.PID)
	endStrays(p.temp)
	return err
}

// start starts the helper, and waits until it has become the program. Where the kernel gives
// no network namespace, the helper does what it can.
func (p *Process) start(plan *plan) (*exec.Cmd, error) {
	var err error
	for _, flags := range plan.namespaces() {
		var cmd *exec.Cmd
		if cmd, err = p.tryStart(plan, flags); err == nil {
			return cmd, nil
		}
		if !errors.Is(err, errNoNamespace) {
			break
		}
	}
	return nil, err
}

// errNoNamespace says that the kernel does not give us a namespace.
var errNoNamespace = errors.New("there is no network namespace to be had")

func (p *Process) tryStart(plan *plan, flags uintptr) (*exec.Cmd, error) {
	pipes, err := newPipes()
	if err != nil {
		return nil, fmt.Errorf("start the program: %w", err)
	}
	cmd := plan.command(flags, p.temp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pipes.theirs[0], pipes.theirs[1], pipes.theirs[2]
	cmd.ExtraFiles = pipes.theirs[3:]
	err = cmd.Start()
	pipes.closeTheirs()
	if err != nil {
		pipes.closeOurs()
		return nil, plan.explain(err, flags)
	}
	if err := said(pipes.ours[3]); err != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		pipes.closeOurs()
		return nil, err
	}
	p.PID, p.Stdin, p.Stdout, p.Stderr = cmd.Process.Pid, pipes.ours[0], pipes.ours[1], pipes.ours[2]
	return cmd, nil
}

// said returns what the helper says is wrong. Its pipe ends when it has become the program.
func said(status *os.File) error {
	defer status.Close()
	_ = status.SetReadDeadline(time.Now().Add(10 * time.Second))
	words, err := io.ReadAll(io.LimitReader(status, 4<<10))
	if err != nil {
		return fmt.Errorf("the program was not started within 10 seconds: %w", err)
	}
	if len(words) > 0 {
		return errors.New(strings.TrimSpace(string(words)))
	}
	return nil
}

// pipes are stdin, stdout, stderr and the helper's own.
type pipes struct{ ours, theirs [4]*os.File }

func newPipes() (*pipes, error) {
	all := &pipes{}
	for i := range all.ours {
		r, w, err := os.Pipe()
		if err != nil {
			all.closeOurs()
			all.closeTheirs()
			return nil, err
		}
		all.ours[i], all.theirs[i] = r, w
		if i == 0 {
			all.ours[i], all.theirs[i] = w, r
		}
	}
	return all, nil
}

func (p *pipes) closeOurs()   { closeAll(p.ours[:]) }
func (p *pipes) closeTheirs() { closeAll(p.theirs[:]) }

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // nil is an error, too
	}
}
