package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// buildTimeout bounds how long the program may take to be built.
	buildTimeout = 10 * time.Minute
	// endTimeout is how long a program that was built may take to end.
	endTimeout = 15 * time.Second
	// maxLastWords is how much is shown of what a program said before it ended, in bytes.
	maxLastWords = 8 << 10
)

// begin serves until the console's context ends. A program that is built goes on in a process
// of its own: where that breaks, what is wrong is shown, and the next one is built.
func (d *developing) begin() error {
	built, err := d.run(d.serve)
	for built != "" && err == nil {
		built, err = d.run(d.carryOn)
	}
	return err
}

// resume is begin in a program that was built: the one that is built next takes its place. It
// ends with the program that has started it, which holds its input.
func (d *developing) resume() error {
	ctx, stop := context.WithCancel(d.ctx)
	defer stop()
	d.console = d.with(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	built, err := d.run(d.serve)
	if built == "" || err != nil {
		return err
	}
	return syscall.Exec(built, d.args(), os.Environ())
}

// isSource tells whether a file is of the program's source.
func (d *developing) isSource(path string) bool {
	return (filepath.Ext(path) == ".go" || filepath.Base(path) == "go.mod") && !d.isProgram(path)
}

// build builds the program, which then goes on in place of this one. d.mu is held.
func (d *developing) build() {
	fmt.Fprintf(d.stdout, "%s  building\n", time.Now().Format(time.TimeOnly))
	for {
		began := time.Now()
		err := d.compile()
		switch {
		case d.changedSince(began): // while it was built
			continue
		case err != nil:
			d.tell(sources, err)
			return
		}
		d.built = d.program()
		d.stop()
		return
	}
}

// program is where the program stands that was built last.
func (d *developing) program() string { return filepath.Join(d.dir, "ticketfrei") }

// compile builds the program. The error is what the compiler says.
func (d *developing) compile() error {
	ctx, done := context.WithTimeout(d.ctx, buildTimeout)
	defer done()
	fresh := d.program() + ".new" // the one before may run
	out, err := exec.CommandContext(ctx, "go", "build", "-o", fresh, ".").CombinedOutput()
	if err != nil {
		return errors.New(cmp.Or(strings.TrimSpace(string(out)), err.Error()))
	}
	return os.Rename(fresh, d.program())
}

// changedSince tells whether a source was changed after a time.
func (d *developing) changedSince(then time.Time) (changed bool) {
	_ = filepath.WalkDir(string(d.tree), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || changed:
			return err
		case entry.IsDir() && path != string(d.tree) && isUnwatched(path):
			return fs.SkipDir
		case entry.IsDir() || isUnwatched(path) || !d.isSource(path):
			return nil
		}
		info, err := entry.Info()
		changed = err == nil && info.ModTime().After(then)
		return nil
	})
	return changed && d.ctx.Err() == nil
}

// args are the arguments of the program that goes on.
func (d *developing) args() []string {
	args := []string{"ticketfrei", "dev", "--resume", d.dir, "--listen", d.listen}
	if d.Verbose {
		args = append(args, "-v")
	}
	return args
}

// carryOn runs the program that was built, which serves and follows the files, until it ends.
// That is an error, unless it was asked to.
func (d *developing) carryOn() error {
	d.setAway(true)
	defer d.setAway(false)
	said := &lastWords{}
	cmd := exec.CommandContext(d.ctx, d.program())
	cmd.Args, cmd.WaitDelay = d.args(), endTimeout
	cmd.Stdout, cmd.Stderr = d.stdout, io.MultiWriter(d.stderr, said)
	held, err := cmd.StdinPipe()
	if err == nil {
		cmd.Cancel = held.Close
		err = cmd.Run()
	}
	if d.ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("the program that was built has ended: %w\n\n%s", cmp.Or(err, errors.New("exit code 0")), said)
}

func (d *developing) setAway(away bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.away = away
}

// lastWords keeps the end of what is written to it.
type lastWords struct{ kept []byte }

func (l *lastWords) Write(p []byte) (int, error) {
	l.kept = append(l.kept, p...)
	if more := len(l.kept) - maxLastWords; more > 0 {
		l.kept = l.kept[more:]
	}
	return len(p), nil
}

// String returns what was kept: of a panic, that.
func (l *lastWords) String() string {
	if at := bytes.LastIndex(l.kept, []byte("panic: ")); at >= 0 {
		return string(l.kept[at:])
	}
	return string(l.kept)
}
