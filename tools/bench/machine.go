package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine is what something was measured on.
type Machine struct {
	Cores  int     `json:"cores"`
	CPU    string  `json:"cpu"`
	Memory int     `json:"memory_mb"`
	Kernel string  `json:"kernel"`
	Go     string  `json:"go"`
	Fsyncs float64 `json:"fsyncs_per_second"` // see fsyncRate; of the disk that is measured
}

// String leaves out the speed of the disk, which is never the same twice.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores %s, %d MB, Linux %s, %s", m.Cores, m.CPU, m.Memory, m.Kernel, m.Go)
}

// lookAtMachine describes this machine and the disk of dir.
func lookAtMachine(dir string) (Machine, error) {
	fsyncs, err := fsyncRate(dir, 500*time.Millisecond)
	if err != nil {
		return Machine{}, err
	}
	m := Machine{Cores: runtime.NumCPU(), CPU: cpuModel(), Go: runtime.Version(), Fsyncs: fsyncs}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err == nil {
		m.Memory = int(uint64(info.Totalram) * uint64(info.Unit) >> 20)
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return m, nil
}

// cpuModel is what Linux calls the first core.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// fsyncRate is how many times a second one writer can append 1 KB to a file and
// sync it.
func fsyncRate(dir string, while time.Duration) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, fmt.Errorf("measure fsync: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 1024)
	began, n := time.Now(), 0
	for ; time.Since(began) < while; n++ {
		if _, err := f.Write(block); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// commit is the commit that is checked out, marked "dirty" if files differ from
// it.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=10").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
