package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of CPU times in /proc: USER_HZ, which is 100 on
// every Linux that Go runs on (proc(5)).
const ticksPerSecond = 100

func (p *program) pid() int {
	cmd, _ := p.process()
	return cmd.Process.Pid
}

// cpu is the processor time that the process has used since it started.
func (p *program) cpu() (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid()))
	if err != nil {
		return 0, fmt.Errorf("CPU time: %w", err)
	}
	// The name, in parentheses, may hold spaces; utime and stime are the 12th
	// and 13th field after it.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("CPU time: %q", raw)
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// memory is the resident memory of the process in MB: now, and at its peak.
func (p *program) memory() (now, peak float64, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.pid()))
	if err != nil {
		return 0, 0, fmt.Errorf("memory: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch {
		case err != nil:
		case key == "VmRSS":
			now = kb / 1024
		case key == "VmHWM":
			peak = kb / 1024
		}
	}
	return now, peak, nil
}

// resetPeak makes the peak of memory count from now on.
func (p *program) resetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid()), []byte("5"), 0)
}

// metrics are the program's own figures, by names like `name{label="value"}`.
func (p *program) metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.meter+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	defer resp.Body.Close()
	values := make(map[string]float64)
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[0] == '#' {
			continue
		}
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			values[line[:at]] = v
		}
	}
	return values, nil
}

// withoutProcess takes the label from a name that tells apart the figures of programs
// that share a database.
func withoutProcess(name string) string {
	before, labels, ok := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	if !ok {
		return name
	}
	kept := slices.DeleteFunc(strings.Split(labels, ","), func(l string) bool { return strings.HasPrefix(l, `process="`) })
	if len(kept) == 0 {
		return before
	}
	return before + "{" + strings.Join(kept, ",") + "}"
}

// metrics are the figures of all programs, added up.
func (w *world) metrics(ctx context.Context) (map[string]float64, error) {
	sums := make(map[string]float64)
	for _, p := range w.programs() {
		values, err := p.metrics(ctx)
		if err != nil {
			return sums, err
		}
		for name, v := range values {
			sums[withoutProcess(name)] += v
		}
	}
	return sums, nil
}

// waitIdle waits until the program's queue is empty.
func (p *program) waitIdle(ctx context.Context) error { return (&world{program: p}).waitIdle(ctx) }

// waitIdle waits until the queue that the programs share is empty.
func (w *world) waitIdle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, arriveTimeout)
	defer cancel()
	err := until(ctx, 20*time.Millisecond, func() (bool, error) {
		if err := w.ended(); err != nil {
			return false, err
		}
		m, err := w.metrics(ctx)
		return err == nil && queueIsEmpty(m), nil
	})
	if err != nil {
		return fmt.Errorf("wait for an empty queue: %w", err)
	}
	return nil
}

// queueIsEmpty tells whether nothing waits by these metrics: no report to be
// judged, no delivery to be made, no account mail to be sent.
func queueIsEmpty(metrics map[string]float64) bool {
	for _, stream := range []string{"reports", "deliveries", "mails"} {
		waiting, ok := metrics[`ticketfrei_queue_messages{kind="`+stream+`"}`]
		if !ok || waiting > 0 {
			return false
		}
	}
	return true
}
