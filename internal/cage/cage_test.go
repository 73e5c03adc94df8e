//go:build linux

package cage_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/cage"
	"ticketfrei/internal/slow"
)

// TestMain lets the test binary be the helper, and the program that tries what a script
// cannot.
func TestMain(m *testing.M) {
	if code, is := cage.Helper(os.Args[1:]); is {
		os.Exit(code)
	}
	if len(os.Args) > 2 && os.Args[1] == "probe" {
		os.Exit(probe(os.Args[2], os.Args[3:]))
	}
	os.Exit(m.Run())
}

// probe tries one thing and says what came of it.
func probe(what string, args []string) int {
	var err error
	switch what {
	case "connect":
		var conn net.Conn
		if conn, err = net.DialTimeout(args[0], args[1], 2*time.Second); err == nil {
			_, err = conn.Write([]byte("x"))
		}
	case "memory":
		mib, _ := strconv.Atoi(args[0])
		fill, e := syscall.Mmap(-1, 0, mib<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|flag(args[1]))
		for i := 0; e == nil && i < len(fill); i += 4096 {
			fill[i] = 1
		}
		err = e
		if args[1] == "shared" {
			time.Sleep(10 * time.Second)
		}
	case "descriptors":
		names, _ := filepath.Glob("/proc/self/fd/*")
		for _, name := range names {
			target, _ := os.Readlink(name)
			if !strings.HasPrefix(target, "anon_inode:") && target != "" {
				fmt.Println(filepath.Base(name), target)
			}
		}
	}
	fmt.Println(err)
	return 0
}

func flag(name string) int {
	if name == "shared" {
		return syscall.MAP_SHARED
	}
	return syscall.MAP_PRIVATE
}

// itself is the test binary, as a program.
func itself(t *testing.T, o cage.Options, args ...string) cage.Options {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return probing(o, exe, args...)
}

// probing is a test binary, as a program.
func probing(o cage.Options, exe string, args ...string) cage.Options {
	o.Command, o.Files = append([]string{exe, "probe"}, args...), append(o.Files, exe)
	return o
}

// plain is the test binary without the race detector, which takes more memory than a program
// may.
func plain(t *testing.T) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "plain")
	if out, err := exec.Command("go", "test", "-race=false", "-c", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return exe
}

// directory is that of a program with an executable script run.sh.
func directory(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "run.sh"), "#!/bin/sh\n"+script, 0o755)
	return dir
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// started is a program that is closed at the end of the test.
func started(t *testing.T, o cage.Options) *cage.Process {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	p, err := cage.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// output runs a program to its end and returns what it wrote, both ways.
func output(t *testing.T, o cage.Options) string {
	t.Helper()
	p := started(t, o)
	_ = p.Stdin.Close()
	errs := make(chan []byte, 1)
	go func() {
		raw, _ := io.ReadAll(p.Stderr)
		errs <- raw
	}()
	raw, err := io.ReadAll(p.Stdout)
	if err != nil {
		t.Error(err)
	}
	return string(raw) + string(<-errs)
}

// TestProgramTalks has a program answer on its pipes.
func TestProgramTalks(t *testing.T) {
	p := started(t, cage.Options{Dir: directory(t, `read line; echo "got $line"; echo oops >&2`), Command: []string{"run.sh"}})
	if _, err := p.Stdin.WriteString("Plärrer\n"); err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(p.Stdout)
	if err != nil || string(raw) != "got Plärrer\n" {
		t.Errorf("wrote %q, %v", raw, err)
	}
	if raw, _ := io.ReadAll(p.Stderr); string(raw) != "oops\n" {
		t.Errorf("stderr is %q", raw)
	}
	if err := p.Err(); err != nil {
		t.Error(err)
	}
}

// TestProgramReachesNothingOfOurs has a program try what it must not: each of it is refused.
func TestProgramReachesNothingOfOurs(t *testing.T) {
	data := t.TempDir()
	write(t, filepath.Join(data, "secret.key"), "the key of all secrets", 0o600)
	t.Setenv("TICKETFREI_MAIL_PASSWORD", "not to be seen")
	for name, try := range map[string]string{
		"read the key":               "cat " + data + "/secret.key",
		"read it by a link":          "ln -s " + data + "/secret.key link; cat link",
		"read it by its own root":    "cat /proc/self/root" + data + "/secret.key",
		"list the data":              "ls " + data,
		"write to the data":          "echo x > " + data + "/x",
		"take the key away":          "rm -f " + data + "/secret.key",
		"link the key into its own":  "ln " + data + "/secret.key mine",
		"read our environment":       fmt.Sprintf("cat /proc/%d/environ", os.Getpid()),
		"read our memory":            fmt.Sprintf("head -c 1 /proc/%d/mem", os.Getpid()),
		"read our command line":      fmt.Sprintf("cat /proc/%d/cmdline", os.Getpid()),
		"write elsewhere":            "echo x > /tmp/ticketfrei-cage-test",
		"read the system's accounts": "cat /etc/shadow",
		"read homes":                 "ls /root /home",
		"read a disk":                "ls /dev",
		"end the server":             fmt.Sprintf("kill -9 %d", os.Getpid()),
		"take the network down":      "exec 9<>/dev/kmsg",
	} {
		t.Run(name, func(t *testing.T) {
			out := output(t, cage.Options{Dir: directory(t, try+` && echo "it worked"`), Command: []string{"run.sh"}, Hidden: []string{data}})
			t.Logf("%s: %s", try, strings.TrimSpace(out))
			if strings.Contains(out, "it worked") || strings.Contains(out, "the key of") || strings.Contains(out, "not to be seen") {
				t.Error("the program could do it")
			}
			if !strings.Contains(out, "denied") && !strings.Contains(out, "not permitted") && !strings.Contains(out, "cross-device") {
				t.Error("it was not refused")
			}
		})
	}
	if raw, err := os.ReadFile(filepath.Join(data, "secret.key")); err != nil || len(raw) == 0 {
		t.Error("the key is gone:", err)
	}
}

// TestProgramHasItsOwn holds what a program may: its directory, temporary files, commands.
func TestProgramHasItsOwn(t *testing.T) {
	names := filepath.Join(t.TempDir(), "stops.txt")
	write(t, names, "Plärrer\n", 0o600)
	dir := directory(t, `set -e
echo one > state; mkdir sub; echo two > sub/file; mv sub/file file; cat state file
echo three > "$TMPDIR/x"; cat "$TMPDIR/x"
cat `+names+`; echo gone > /dev/null; date +%Y > /dev/null; pwd; echo $TMPDIR >&2`)
	p := started(t, cage.Options{Dir: dir, Command: []string{"./run.sh"}, Files: []string{names}})
	got, _ := io.ReadAll(p.Stdout)
	if diff := cmp.Diff("one\ntwo\nthree\nPlärrer\n"+dir+"\n", string(got)); diff != "" {
		t.Error(diff)
	}
	temp, _ := io.ReadAll(p.Stderr)
	<-p.Done()
	if _, err := os.Stat(strings.TrimSpace(string(temp))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its temporary files %q are left: %v", temp, err)
	}
}

// TestEnvironment holds the environment of a program, as it stands in /proc.
func TestEnvironment(t *testing.T) {
	t.Setenv("TICKETFREI_MAIL_PASSWORD", "secret")
	t.Setenv("PATH", os.Getenv("PATH")+":relative")
	dir := directory(t, `exec sleep 60`)
	p := started(t, cage.Options{Dir: dir, Command: []string{"run.sh"}})
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.PID))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for pair := range strings.SplitSeq(strings.TrimRight(string(raw), "\x00"), "\x00") {
		name, value, _ := strings.Cut(pair, "=")
		names = append(names, name)
		if name == "HOME" && value != dir || name == "TICKETFREI_PROGRAM" && value != "1" || name == "PATH" && strings.Contains(value, "relative") {
			t.Errorf("%s is %q", name, value)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"HOME", "LANG", "PATH", "TICKETFREI_PROGRAM", "TMPDIR"}, slices.DeleteFunc(names, func(n string) bool { return n == "PWD" || n == "_" || n == "OLDPWD" })); diff != "" {
		t.Error(diff)
	}
}

// TestDescriptors has nothing but the three pipes reach a program, not even what was
// opened to be inherited.
func TestDescriptors(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	inherited, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(inherited)
	out := output(t, itself(t, cage.Options{}, "descriptors"))
	for line := range strings.Lines(out) {
		if fd, target, _ := strings.Cut(strings.TrimSpace(line), " "); target != "" && fd > "2" && !strings.Contains(target, "/proc/") {
			t.Errorf("the program has %s", line)
		}
	}
	if !strings.Contains(out, "0 pipe:") {
		t.Errorf("wrote %q", out)
	}
}

// TestNetwork has a program without network reach nobody, and one with it somebody.
func TestNetwork(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().String()
	if out := output(t, itself(t, cage.Options{}, "connect", "tcp", address)); strings.Contains(out, "nil") {
		t.Errorf("network = false: %s", out)
	}
	if out := output(t, itself(t, cage.Options{}, "connect", "udp", address)); strings.Contains(out, "nil") {
		t.Errorf("network = false, UDP: %s", out)
	}
	if out := output(t, itself(t, cage.Options{Network: true}, "connect", "tcp", address)); !strings.Contains(out, "nil") {
		t.Errorf("network = true: %s", out)
	}
}

// TestMemory ends or refuses what takes more than it may, whichever way it takes it.
func TestMemory(t *testing.T) {
	slow.Test(t, "fills memory")
	exe := plain(t)
	if out := output(t, probing(cage.Options{Memory: 256}, exe, "memory", "2048", "private")); !strings.Contains(out, "cannot allocate memory") {
		t.Errorf("2 GiB of 256 MiB: %s", out)
	}
	if out := output(t, probing(cage.Options{Memory: 256}, exe, "memory", "64", "private")); !strings.Contains(out, "nil") {
		t.Errorf("64 MiB of 256 MiB: %s", out)
	}
	p := started(t, probing(cage.Options{Memory: 128}, exe, "memory", "400", "shared"))
	_, _ = io.Copy(io.Discard, p.Stdout)
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "more than 128 MiB") {
		t.Errorf("400 MiB of shared memory of 128 MiB: %v", err)
	}
}

// TestChildrenEndWithIt starts programs that fork, and ends them in each way.
func TestChildrenEndWithIt(t *testing.T) {
	for name, end := range map[string]func(*cage.Process){
		"by its own":   func(p *cage.Process) { _ = p.Stdin.Close() },
		"killed":       func(p *cage.Process) { p.Kill() },
		"stopped":      func(p *cage.Process) { p.Stop(50 * time.Millisecond) },
		"from outside": func(p *cage.Process) { _ = syscall.Kill(p.PID, syscall.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) {
			p := started(t, cage.Options{Dir: directory(t, `sleep 300 & (sleep 300 & echo started); read end; exit 3`), Command: []string{"run.sh"}})
			if line := make([]byte, 8); true {
				if _, err := io.ReadFull(p.Stdout, line); err != nil {
					t.Fatal(err)
				}
			}
			end(p)
			<-p.Done()
			if out, _ := exec.Command("pgrep", "-g", strconv.Itoa(p.PID)).Output(); len(out) > 0 {
				t.Errorf("still there: %s", out)
			}
			if name == "by its own" {
				var exit *exec.ExitError
				if !errors.As(p.Err(), &exit) || exit.ExitCode() != 3 {
					t.Errorf("ended with %v", p.Err())
				}
			}
		})
	}
}

// TestStrays ends what has fled from the group of the program, and nothing of another one.
func TestStrays(t *testing.T) {
	script := `(setsid sleep 300 & echo $!) ; (setsid sh -c '(setsid sleep 300 & echo $!)' &) ; read end`
	one, other := started(t, cage.Options{Dir: directory(t, script), Command: []string{"run.sh"}}), started(t, cage.Options{Dir: directory(t, script), Command: []string{"run.sh"}})
	pids := func(p *cage.Process) (pids [2]int) {
		if _, err := fmt.Fscan(p.Stdout, &pids[0], &pids[1]); err != nil {
			t.Fatal(err)
		}
		return pids
	}
	fled, staying := pids(one), pids(other)
	one.Stop(time.Second)
	for i := range fled {
		if err := syscall.Kill(fled[i], 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%d is still there: %v", fled[i], err)
		}
		if err := syscall.Kill(staying[i], 0); err != nil {
			t.Errorf("%d of another program: %v", staying[i], err)
		}
	}
}

// TestStop ends a program that does not listen within its grace.
func TestStop(t *testing.T) {
	p := started(t, cage.Options{Dir: directory(t, `trap "" TERM; echo up; while :; do sleep 1; done`), Command: []string{"run.sh"}})
	if _, err := io.ReadFull(p.Stdout, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	p.Stop(100 * time.Millisecond)
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	p.Kill() // once more harms nobody
}

// BenchmarkStart is what it takes to start a program and to see it end.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		p, err := cage.Start(cage.Options{Dir: dir, Command: []string{"true"}, Network: true})
		if err != nil {
			b.Fatal(err)
		}
		<-p.Done()
		p.Close()
	}
}

// TestForkBomb bounds a program that starts itself again and again.
func TestForkBomb(t *testing.T) {
	slow.Test(t, "starts hundreds of processes")
	p := started(t, cage.Options{Dir: directory(t, `n=0; while [ $n -lt 400 ]; do sleep 30 & n=$((n+1)); done; wait`), Command: []string{"run.sh"}})
	go func() { _, _ = io.Copy(io.Discard, p.Stderr) }()
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Error("it still runs")
	}
	if os.Getuid() == 0 && (p.Err() == nil || !strings.Contains(p.Err().Error(), "processes")) {
		t.Errorf("ended with %v", p.Err())
	}
}

// TestRefusals says what is wrong with what cannot be started.
func TestRefusals(t *testing.T) {
	data := t.TempDir()
	dir := directory(t, "exit 0")
	write(t, filepath.Join(dir, "plain.txt"), "echo", 0o644)
	write(t, filepath.Join(dir, "broken"), "no program", 0o755)
	write(t, filepath.Join(dir, "windows"), "#!/bin/sh\r\nexit 0\r\n", 0o755)
	for _, tt := range []struct {
		o    cage.Options
		want string
	}{
		{cage.Options{Command: nil}, "command is empty"},
		{cage.Options{Command: []string{"nosuchcommand"}}, "nosuchcommand is not in PATH"},
		{cage.Options{Command: []string{"./nothing"}}, "there is no file"},
		{cage.Options{Command: []string{"plain.txt"}}, "chmod +x"},
		{cage.Options{Command: []string{"broken"}}, "#!/bin/sh"},
		{cage.Options{Command: []string{"windows"}}, "carriage return"},
		{cage.Options{Command: []string{"run.sh"}, Files: []string{"/nowhere/stops.txt"}}, "files: stat /nowhere/stops.txt"},
		{cage.Options{Command: []string{"run.sh"}, Files: []string{"/"}, Hidden: []string{data}}, "files: / would show"},
		{cage.Options{Command: []string{"run.sh"}, Files: []string{data}, Hidden: []string{data}}, "would show"},
		{cage.Options{Command: []string{"run.sh"}, Files: []string{data + "/x"}, Hidden: []string{data}}, "no such file"},
		{cage.Options{Command: []string{"run.sh"}, Hidden: []string{filepath.Join(dir, "data")}}, "a directory of its own"},
		{cage.Options{Command: []string{"run.sh"}, User: "no-such-user"}, `there is no user "no-such-user"`},
		{cage.Options{Command: []string{"run.sh"}, User: "1:x"}, "is not a user"},
	} {
		tt.o.Dir = dir
		_, err := cage.Start(tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want %q", tt.o.Command, err, tt.want)
		}
	}
	if _, err := cage.Check(cage.Options{Dir: dir, Command: []string{"run.sh"}}); err != nil {
		t.Error(err)
	}
}

// TestUser runs a program as somebody else, where we are root.
func TestUser(t *testing.T) {
	if os.Getuid() != 0 {
		_, err := cage.Start(cage.Options{Dir: directory(t, "id -u"), Command: []string{"run.sh"}, User: "1:1"})
		if err == nil || !strings.Contains(err.Error(), "only root") {
			t.Error(err)
		}
		return
	}
	dir := directory(t, `id -u; echo x > "$TMPDIR/x" && cat "$TMPDIR/x"; echo y > y || echo refused`)
	for path := dir; path != "/tmp" && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out := output(t, cage.Options{Dir: dir, Command: []string{"run.sh"}, User: "65534:65534"})
	if !strings.HasPrefix(out, "65534\nx\nrefused\n") {
		t.Errorf("wrote %q", out)
	}
}

// TestInterpreters runs what the machine has, wherever it is installed.
func TestInterpreters(t *testing.T) {
	slow.Test(t, "starts interpreters")
	for command, code := range map[string][]string{
		"python3": {"-c", "import json, sqlite3, ssl, threading, subprocess; print('up', subprocess.run(['echo', 'x'], capture_output=True).stdout)"},
		"node":    {"-e", "require('http'); console.log('up', new Array(1e5).length)"},
		"perl":    {"-e", "use POSIX; print qq(up\n)"},
	} {
		t.Run(command, func(t *testing.T) {
			if _, err := exec.LookPath(command); err != nil {
				t.Skip(command + " is not installed")
			}
			for _, o := range []cage.Options{{Memory: 512}, {Network: true}} {
				o.Command = append([]string{command}, code...)
				if out := output(t, o); !strings.HasPrefix(out, "up") {
					t.Errorf("wrote %q", out)
				}
			}
		})
	}
}
