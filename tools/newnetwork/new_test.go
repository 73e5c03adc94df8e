package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/slow"
	"ticketfrei/tools/newnetwork/naming"
)

// runNew runs newnetwork in dir.
func runNew(t *testing.T, dir, name string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(dir)
	var out, errs bytes.Buffer
	code = run(t.Context(), []string{name}, &out, &errs)
	return code, out.String(), errs.String()
}

func gitRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// changesOf is what git sees as changed since the last git add: files that are
// known, and directories and files that are new.
func changesOf(t *testing.T, dir string) []string {
	t.Helper()
	known := gitRun(t, dir, "diff", "--name-only")
	unknown := gitRun(t, dir, "ls-files", "--others", "--exclude-standard", "--directory")
	return strings.Fields(known + unknown)
}

// TestNewNetworkIsOneDirectory makes a network in a copy of the project, tests
// and builds it, and lets the demo send a report through it.
func TestNewNetworkIsOneDirectory(t *testing.T) {
	slow.Test(t, "builds and tests a copy of the program")
	dir := t.TempDir()
	copyTree(t, dir)
	gitRun(t, dir, "init", "--quiet")
	gitRun(t, dir, "add", "--all")
	code, stdout, stderr := runNew(t, dir, "freshlymade")
	if code != exitOK || !strings.Contains(stdout, "wrote bots/freshlymade/bot.go\n") || !strings.Contains(stdout, "go test ./bots/freshlymade/...") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if diff := cmp.Diff([]string{"bots/all/all.go", "bots/freshlymade/"}, changesOf(t, dir)); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if out, err := exec.CommandContext(t.Context(), "grep", "-ri", "scaffold", "bots/freshlymade", "bots/all/all.go").CombinedOutput(); err == nil {
		t.Errorf("the scaffold's name is left:\n%s", out)
	}
	if out, err := exec.CommandContext(t.Context(), "gofmt", "-l", "bots/freshlymade").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("gofmt would change: %s %v", out, err)
	}
	goRun(t, dir, "vet", "./bots/freshlymade/...")
	goRun(t, dir, "test", "./bots/freshlymade/...")
	goRun(t, dir, "build", "-buildvcs=false", "-o", "ticketfrei", ".")
	program := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "ticketfrei"), args...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("ticketfrei %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	if out := program("check-config"); !strings.Contains(out, "[freshlymade]") {
		t.Errorf("the program does not know the settings of the network:\n%s", out)
	}
	if out := program("demo", "--once"); !strings.Contains(out, "sent: freshlymade, posted for everybody") {
		t.Errorf("the demo's report did not go out through the network:\n%s", out)
	}
	if code, _, stderr := runNew(t, dir, "freshlymade"); code != exitError || !strings.Contains(stderr, "already") {
		t.Errorf("the same name again: exit code %d\n%s", code, stderr)
	}
}

// tinyTree is a directory that looks like the project, with a program in place
// of the one that writes the list.
func tinyTree(t *testing.T, goMod, generate string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":          goMod,
		"bots/all/all.go": "package all\n",
		"main.go":         "package main\n\n//go:generate " + generate + "\n\nfunc main() {}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestNewNetworkIsRefused(t *testing.T) {
	const goMod = "module ticketfrei\n"
	tests := []struct {
		name    string
		network string
		dir     func(t *testing.T) string
		code    int
		stderr  string
	}{
		{"capital letter", "Example", func(t *testing.T) string { return tinyTree(t, goMod, "true") }, exitUsage, "lower case"},
		{"reserved", "reports", func(t *testing.T) string { return tinyTree(t, goMod, "true") }, exitUsage, "route"},
		{"another directory", "../example", func(t *testing.T) string { return tinyTree(t, goMod, "true") }, exitUsage, "lower case"},
		{"not in the source", "example", func(t *testing.T) string { return t.TempDir() }, exitError, "root of Ticketfrei's source"},
		{"another project", "example", func(t *testing.T) string { return tinyTree(t, "module other\n", "true") }, exitError, `"other"`},
		{"no bots", "example", func(t *testing.T) string {
			dir := tinyTree(t, goMod, "true")
			if err := os.RemoveAll(filepath.Join(dir, "bots")); err != nil {
				t.Fatal(err)
			}
			return dir
		}, exitError, "no directory bots"},
		{"the list cannot be made", "example", func(t *testing.T) string {
			return tinyTree(t, goMod, "sh -c \"echo broken > bots/all/all.go; echo no luck; exit 3\"")
		}, exitError, "no luck"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.dir(t)
			code, stdout, stderr := runNew(t, dir, tt.network)
			if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, tt.code, stdout, stderr)
			}
			left, err := filepath.Glob(filepath.Join(dir, "bots", "*"))
			left = slices.DeleteFunc(left, func(path string) bool { return filepath.Base(path) == "all" })
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
			if list, err := os.ReadFile(filepath.Join(dir, "bots/all/all.go")); err == nil && string(list) != "package all\n" {
				t.Errorf("the list is now:\n%s", list)
			}
		})
	}
}

func TestListRefusesReservedNames(t *testing.T) {
	dir := t.TempDir()
	copyTree(t, dir)
	if err := os.CopyFS(filepath.Join(dir, "bots", "feed"), os.DirFS("scaffold")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./tools/newnetwork/generate")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "bots/feed") {
		t.Errorf("error = %v\n%s", err, out)
	}
}

// TestNamesOfTestPackagesAreReserved finds what the scaffold imports that is
// called as the stand-in of a network would be: NAMEtest.
func TestNamesOfTestPackagesAreReserved(t *testing.T) {
	files, err := networkFiles("example")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range files {
		for _, m := range regexp.MustCompile(`(?m)^\t"(?:[^"]*/)?([a-z0-9]+)test"$`).FindAllStringSubmatch(string(f.content), -1) {
			if m[1] == "example" {
				continue
			}
			found++
			if naming.Check(m[1]) == nil {
				t.Errorf("a network could be called %s, and %s imports %stest", m[1], f.name, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no such import was found")
	}
}
