package cage

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// TestAdmit starts nothing that could read our files, on kernels of each kind.
func TestAdmit(t *testing.T) {
	for _, tt := range []struct {
		landlock int
		o        Options
		refused  string
		warnings int
	}{
		{0, Options{}, "programs.trusted = true", 0},
		{0, Options{Trusted: true}, "", 1},
		{0, Options{User: "nobody"}, "", 1},
		{1, Options{Network: true}, "", 1},
		{1, Options{User: "nobody"}, "", 1},
		{1, Options{}, "", 2},
		{7, Options{}, "", 0},
	} {
		warnings, err := admit(tt.landlock, tt.o)
		if (err != nil) != (tt.refused != "") || err != nil && !strings.Contains(err.Error(), tt.refused) || len(warnings) != tt.warnings {
			t.Errorf("Landlock %d, %+v: %q, %v", tt.landlock, tt.o, warnings, err)
		}
	}
}

// TestNoNamespace keeps a program from the network where there are no namespaces.
func TestNoNamespace(t *testing.T) {
	if landlockVersion() < versionTCP {
		t.Skip("this kernel's Landlock knows no network")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := newPlan(Options{Dir: t.TempDir(), Command: []string{exe, "probe", "connect", "tcp", listener.Addr().String()}, Files: []string{exe}})
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{temp: t.TempDir()}
	cmd, err := p.tryStart(plan, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(p.Stdout)
	if err != nil || !strings.Contains(string(out), "permission denied") {
		t.Errorf("it says %q, %v", out, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestPrefix(t *testing.T) {
	t.Setenv("HOME", "/srv/somebody")
	for path, want := range map[string]string{
		"/opt/python/bin/python3": "/opt/python", "/root/.pyenv/shims/python3": "/root/.pyenv", "/bin/sh": "", "/root/bin/x": "",
		"/home/somebody/bin/x": "", "/srv/somebody/bin/x": "", "/srv/somebody/.local/bin/x": "", "/opt/tool/run": "",
	} {
		if got := prefix(path); got != want {
			t.Errorf("%s belongs to %q, want %q", path, got, want)
		}
	}
}
