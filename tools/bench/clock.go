package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The clock of this machine belongs to everybody, so the soak leaves it alone.
// It builds the program with a time package whose wall clock can be moved: on
// SIGUSR2 the program reads the difference from a file. The monotonic clock
// runs on, as it does when somebody sets a real clock.

const clockOfTime = `package time

import "sync/atomic"

var jumped atomic.Int64

// Jump moves the wall clock this many seconds away from the real one.
func Jump(seconds int64) { jumped.Store(seconds) }
`

const clockOfMain = `package main

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func init() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR2)
	go func() {
		for range c {
			raw, err := os.ReadFile(os.Getenv("` + clockVariable + `"))
			if err != nil {
				continue
			}
			if n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64); err == nil {
				time.Jump(n)
			}
		}
	}()
}
`

// clockVariable is the environment variable that names the file.
const clockVariable = "BENCH_CLOCK"

// withClock builds the program with a clock that can be moved.
func (b *bench) withClock(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "src", "time")
	raw, err := os.ReadFile(filepath.Join(dir, "time.go"))
	if err != nil {
		return "", err
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(raw), now) != 1 {
		return "", fmt.Errorf("time.Now: %w", errUnknownSource)
	}
	o, err := b.newOverlay()
	if err != nil {
		return "", err
	}
	for path, text := range map[string]string{
		filepath.Join(dir, "time.go"):             strings.Replace(string(raw), now, now+"\tsec += jumped.Load()\n", 1),
		filepath.Join(dir, "jump.go"):             clockOfTime,
		filepath.Join(b.product, "bench_jump.go"): clockOfMain,
	} {
		if err := o.put(path, text); err != nil {
			return "", err
		}
	}
	return o.build(ctx, b)
}

// clock moves the wall clock of a program built by withClock.
type clock struct {
	program *program
	file    string
}

// newClock returns the clock of a program that has not started yet.
func newClock(p *program) *clock {
	c := &clock{p, p.data + ".clock"}
	p.env = append(p.env, clockVariable+"="+c.file)
	return c
}

// set moves the program's clock to d from the real one.
func (c *clock) set(d time.Duration) error {
	if err := os.WriteFile(c.file, []byte(strconv.Itoa(int(d.Seconds()))), 0o644); err != nil {
		return err
	}
	return c.program.signal(syscall.SIGUSR2)
}
