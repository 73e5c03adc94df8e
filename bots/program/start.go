package program

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// child is a process that was started, with all that it starts itself.
type child struct {
	PID    int
	Stdin  io.WriteCloser
	Stdout io.Reader
	Stderr io.Reader

	done    chan struct{}
	ended   error
	closers []io.Closer
}

// start starts a program in a process group of its own.
func start(m *Manifest) (*child, error) {
	path, err := m.executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, m.Command[1:]...)
	cmd.Dir, cmd.Env = m.Dir, environment(m.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c := &child{done: make(chan struct{})}
	ends, err := c.pipes(cmd)
	if err == nil {
		err = cmd.Start()
	}
	for _, end := range ends {
		_ = end.Close()
	}
	if err != nil {
		return nil, errors.Join(err, c.closePipes())
	}
	c.PID = cmd.Process.Pid
	go c.wait(cmd)
	return c, nil
}

// environment is all that a program has of ours.
func environment(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=" + dir, "TICKETFREI_PROGRAM=1"}
}

// pipes makes the pipes of a command, and returns the ends that are the program's.
func (c *child) pipes(cmd *exec.Cmd) ([]io.Closer, error) {
	var theirs []io.Closer
	pipe := func() (r, w *os.File, err error) {
		if r, w, err = os.Pipe(); err != nil {
			err = errors.Join(err, c.closePipes())
		}
		return r, w, err
	}
	in, stdin, err := pipe()
	if err != nil {
		return nil, err
	}
	stdout, out, err := pipe()
	if err != nil {
		return []io.Closer{in, stdin}, err
	}
	stderr, errs, err := pipe()
	if err != nil {
		return []io.Closer{in, stdin, out, stdout}, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, errs
	c.Stdin, c.Stdout, c.Stderr = stdin, stdout, stderr
	c.closers = []io.Closer{stdin, stdout, stderr}
	return append(theirs, in, out, errs), nil
}

func (c *child) closePipes() error {
	var errs []error
	for _, end := range c.closers {
		errs = append(errs, end.Close())
	}
	return errors.Join(errs...)
}

// wait ends what the program has started when it ends itself.
func (c *child) wait(cmd *exec.Cmd) {
	c.ended = cmd.Wait()
	_ = syscall.Kill(-c.PID, syscall.SIGKILL)
	close(c.done)
}

// Done is closed when the program has ended.
func (c *child) Done() <-chan struct{} { return c.done }

// Err says how it has ended, once Done is closed: nil is exit code 0.
func (c *child) Err() error {
	<-c.done
	return c.ended
}

// Kill ends it at once.
func (c *child) Kill() { c.signal(syscall.SIGKILL) }

func (c *child) signal(s syscall.Signal) {
	select {
	case <-c.done: // the number may be somebody else's by now
	default:
		_ = syscall.Kill(-c.PID, s)
	}
}

// mercy is how long a program has between SIGTERM and SIGKILL.
const mercy = 500 * time.Millisecond

// Stop closes its input, which asks it to end, and waits until it has; after grace it is
// told by a signal, and then killed.
func (c *child) Stop(grace time.Duration) {
	_ = c.Stdin.Close()
	if within(grace, c.done) {
		return
	}
	c.signal(syscall.SIGTERM)
	if !within(mercy, c.done) {
		c.Kill()
		<-c.done
	}
}

// Close kills the program, waits for its end and closes its pipes.
func (c *child) Close() {
	c.Kill()
	<-c.done
	_ = c.closePipes()
}
