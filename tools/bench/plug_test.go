package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mustOpenDisk opens a disk whose plug can be pulled, or skips the test where
// there can be none.
func mustOpenDisk(t *testing.T) *pluggedDisk {
	t.Helper()
	d, err := openPluggedDisk(t.TempDir())
	if errors.Is(err, errSkipped) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
		if isMounted(t, d.dir) {
			t.Error("left mounted")
		}
		if out, err := exec.Command("losetup", "-l", "-O", "BACK-FILE").Output(); err == nil && strings.Contains(string(out), d.dir) {
			t.Errorf("left loop devices:\n%s", out)
		}
	})
	return d
}

// TestPowerCutKeepsWhatWasSynced pulls the plug on a file that was synced and on
// one that was not.
func TestPowerCutKeepsWhatWasSynced(t *testing.T) {
	d := mustOpenDisk(t)
	write := func(name string, sync bool) {
		t.Helper()
		f, err := os.Create(filepath.Join(d.disk(), name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(name); err != nil {
			t.Fatal(err)
		}
		if !sync {
			return
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	write("synced", true)
	write("forgotten", false)
	file, err := d.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	write("later", true)
	if err := d.plugIn(file); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"synced": "synced", "forgotten": "", "later": ""} {
		raw, err := os.ReadFile(filepath.Join(d.cut(), name))
		if string(raw) != want || want != "" && err != nil {
			t.Errorf("%s holds %q after the power cut, %v", name, raw, err)
		}
	}
	if err := d.unplug(file); err != nil {
		t.Error(err)
	}
}

// TestKilledBenchmarkLeavesNoMounts kills a process that has such a disk mounted
// and in use.
func TestKilledBenchmarkLeavesNoMounts(t *testing.T) {
	if dir := os.Getenv("BENCH_TEST_DISK"); dir != "" {
		holdDisk(t, dir)
	}
	mustOpenDisk(t) // skips where there can be none
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "BENCH_TEST_DISK="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "mounted\n" {
		t.Errorf("%q, %v", line, err)
	}
	if !isMounted(t, dir) {
		t.Error("nothing is mounted")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	ctx, cancel := context.WithTimeout(t.Context(), sweepTimeout)
	defer cancel()
	if err := until(ctx, 20*time.Millisecond, func() (bool, error) { return !isMounted(t, dir), nil }); err != nil {
		t.Error("left mounted")
	}
}

// holdDisk has a disk mounted and a file on it open until it is killed.
func holdDisk(t *testing.T, dir string) {
	d, err := openPluggedDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(d.disk(), "open"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("mounted")
	time.Sleep(sweepTimeout)
	f.Close()
}

func isMounted(t *testing.T, dir string) bool {
	t.Helper()
	raw, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(raw, []byte(dir))
}
