package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// openFiles is how many files the benchmark and the program may each have open:
// ten thousand cities have a stream each, and their readers come on top.
const openFiles = 1 << 16

// bench is what all experiments share.
type bench struct {
	Flags
	dir      string // for everything that is written; removed at the end
	product  string // directory of the product's module
	binary   string // the program
	progress io.Writer
	serial   int // of the last directory made by newDir
}

// newBench makes the directory and builds the program, unless the flags name a
// binary.
func newBench(ctx context.Context, f Flags, progress io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp(f.Dir, "ticketfrei-bench-")
	if err != nil {
		return nil, err
	}
	// Postfix runs as another user and must reach its directories.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	b := &bench{Flags: f, dir: dir, binary: f.Binary, progress: progress}
	if err := b.prepare(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) prepare(ctx context.Context) error {
	raiseFileLimit()
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "ticketfrei").Output()
	if err != nil {
		return fmt.Errorf("find the product: run this in tools/bench: %w", err)
	}
	b.product = strings.TrimSpace(string(out))
	if b.binary == "" {
		b.binary = filepath.Join(b.dir, "ticketfrei")
		return b.build(ctx, b.binary)
	}
	b.binary, err = filepath.Abs(b.binary)
	return err
}

// build builds the program as its users do. more holds further flags of go
// build.
func (b *bench) build(ctx context.Context, to string, more ...string) error {
	args := append([]string{"build", "-o", to}, more...)
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	cmd.Dir = b.product
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

// raiseFileLimit lets this process and its children have openFiles files open,
// or as many as the system allows.
func raiseFileLimit() {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	want := unix.Rlimit{Cur: openFiles, Max: max(openFiles, limit.Max)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &want) != nil {
		want = unix.Rlimit{Cur: limit.Max, Max: limit.Max}
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &want) // then the limit stays as it was
	}
}

// newDir makes a directory for one run of something.
func (b *bench) newDir(name string) (string, error) {
	b.serial++
	dir := filepath.Join(b.dir, fmt.Sprintf("%s-%d", name, b.serial))
	return dir, os.Mkdir(dir, 0o755)
}

// say tells whoever waits what is being done.
func (b *bench) say(format string, v ...any) { fmt.Fprintf(b.progress, "  "+format+"\n", v...) }

func (b *bench) close() { os.RemoveAll(b.dir) }
