package dbserver

import (
	"cmp"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"ticketfrei/internal/freeport"
)

// program is one that runs until it is ended.
type program struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// begin starts a program that writes to a log.
func begin(tb testing.TB, log, name string, args ...string) *program {
	tb.Helper()
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	p := &program{command(tb, name, args...), make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = f, f
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ends is in its log
		close(p.ended)
	}()
	return p
}

// end ends it with a signal and waits until it is gone.
func (p *program) end(tb testing.TB, by syscall.Signal) {
	tb.Helper()
	_ = p.cmd.Process.Signal(by) // it may have ended already
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		tb.Errorf("%s does not end by %v", p.cmd.Path, by)
	}
}

// must runs a program to its end and returns what it wrote.
func must(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	out, err := command(tb, name, args...).CombinedOutput()
	if err != nil {
		tb.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// command is a program of PostgreSQL, or one found in the PATH.
func command(tb testing.TB, name string, args ...string) *exec.Cmd {
	tb.Helper()
	if path := filepath.Join(programs(tb), name); exists(path) {
		name = path
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = "/" // the test's own may be closed to whom it runs as
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: unprivileged(tb)}
	return cmd
}

// programs is the directory with the programs of the newest PostgreSQL that is installed.
func programs(tb testing.TB) string {
	tb.Helper()
	version := func(dir string) int { n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))); return n }
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // Debian's are not in the PATH
	found = slices.DeleteFunc(found, func(dir string) bool { return !exists(filepath.Join(dir, "initdb")) })
	if len(found) > 0 {
		return slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		missing(tb, "PostgreSQL", "postgresql")
	}
	return filepath.Dir(initdb)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// missing ends a test that needs a program: as a failure where all tests must run.
func missing(tb testing.TB, what, pkg string) {
	tb.Helper()
	const hint = "no %s: install Debian's %s"
	if os.Getenv("CI") == "true" {
		tb.Fatalf(hint, what, pkg)
	}
	tb.Skipf(hint, what, pkg)
}

// unprivileged is who programs run as that refuse to be root's; nil where the test is not.
func unprivileged(tb testing.TB) *syscall.Credential {
	tb.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		tb.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		tb.Fatal(err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		tb.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// directory returns an empty directory of theirs that goes with the test. It is not one of
// the test's own, since the path of a socket has 107 bytes at most.
func directory(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "pg") //nolint:usetesting // see above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	if as := unprivileged(tb); as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	address, err := freeport.Address()
	if err != nil {
		tb.Fatal(err)
	}
	return address
}
