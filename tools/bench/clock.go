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

// A jump of the clock must not touch this machine's clock, which is everybody's.
// So the soak builds the program with a time package whose wall clock can be
// moved: the difference is read from a file on SIGUSR2. Time that is measured
// (the monotonic clock) goes on as ever, as it does when a real clock is set.

const clockOfTime = `package time

import "sync/atomic"

var jumped atomic.Int64

// Jump sets the wall clock off by so many seconds.
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

// clockVariable names the file with the difference.
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
		filepath.Join(dir, "time.go"):            strings.Replace(string(raw), now, now+"\tsec += jumped.Load()\n", 1),
		filepath.Join(dir, "jump.go"):            clockOfTime,
		filepath.Join(b.module, "bench_jump.go"): clockOfMain,
	} {
		if err := o.put(path, text); err != nil {
			return "", err
		}
	}
	return o.build(ctx, b)
}

// clock moves the wall clock of a program that was built withClock.
type clock struct {
	program *program
	file    string
}

func newClock(p *program) *clock {
	c := &clock{p, p.data + ".clock"}
	p.env = append(p.env, clockVariable+"="+c.file)
	return c
}

// set sets the program's clock off by d.
func (c *clock) set(d time.Duration) error {
	if err := os.WriteFile(c.file, []byte(strconv.Itoa(int(d.Seconds()))), 0o644); err != nil {
		return err
	}
	return c.program.cmd.Process.Signal(syscall.SIGUSR2)
}
