package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/slow"
)

// runNew runs newnetwork in dir.
func runNew(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(dir)
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
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

// kinds are the kinds of networks, and how many lines each may have in all.
var (
	kinds    = []string{"chat", "post", "send"}
	maxLines = map[string]int{"chat": 450, "post": 250, "send": 180}
)

// TestNewNetworksAreSmall holds the scaffolds to what can be read in one sitting.
func TestNewNetworksAreSmall(t *testing.T) {
	for _, kind := range kinds {
		files, err := networkFiles(kind, "example")
		if err != nil {
			t.Fatal(err)
		}
		lines, names := 0, map[string]bool{}
		for _, f := range files {
			names[f.name] = true
			lines += bytes.Count(f.content, []byte("\n"))
			if bytes.Contains(bytes.ToLower(f.content), []byte("scaffold")) {
				t.Errorf("%s: the scaffold's name is left in %s", kind, f.name)
			}
		}
		if lines > maxLines[kind] {
			t.Errorf("%s has %d lines, want at most %d", kind, lines, maxLines[kind])
		}
		for _, name := range []string{"bot.go", "bot_test.go", "db.go", "webui.go", "settings.tmpl", "en.toml", "de.toml", "standin/standin.go"} {
			if !names[name] {
				t.Errorf("%s lacks %s", kind, name)
			}
		}
	}
}

// TestNewNetworkIsOneDirectory makes networks in a copy of the project, tests and
// builds them, and lets the demo send a report through them.
func TestNewNetworkIsOneDirectory(t *testing.T) {
	slow.Test(t, "makes, tests and builds three networks in a copy of the program")
	dir := t.TempDir()
	copyTree(t, dir)
	gitRun(t, dir, "init", "--quiet")
	gitRun(t, dir, "add", "--all")
	for _, kind := range kinds {
		name := "fresh" + kind
		code, stdout, stderr := runNew(t, dir, name, "--kind", kind)
		if code != exitOK || !strings.Contains(stdout, "wrote bots/"+name+"/bot.go\n") || !strings.Contains(stdout, "go test ./bots/"+name+"/...") {
			t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
		}
	}
	if diff := cmp.Diff([]string{"bots/all/all.go", "bots/freshchat/", "bots/freshpost/", "bots/freshsend/"}, changesOf(t, dir)); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	fresh := []string{"./bots/freshchat/...", "./bots/freshpost/...", "./bots/freshsend/..."}
	if out, err := exec.CommandContext(t.Context(), "gofmt", "-l", filepath.Join(dir, "bots")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("gofmt would change: %s %v", out, err)
	}
	goRun(t, dir, append([]string{"vet"}, fresh...)...)
	goRun(t, dir, append([]string{"test"}, fresh...)...)
	goRun(t, dir, "build", "-buildvcs=false", "-o", "ticketfrei", ".")
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "ticketfrei"), "demo", "--once")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("demo: %v\n%s", err, out)
	}
	for _, want := range []string{"sent: freshpost, posted for everybody", "sent: freshsend, posted for everybody", "sent: freshchat, #1", "sent: freshchat, #2"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
	if code, _, stderr := runNew(t, dir, "freshchat"); code != exitError || !strings.Contains(stderr, "already") {
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
		{"another kind", "example", func(t *testing.T) string { return tinyTree(t, goMod, "true") }, exitUsage, "kind"},
		{"the list cannot be made", "example", func(t *testing.T) string {
			return tinyTree(t, goMod, "sh -c \"echo broken > bots/all/all.go; echo no luck; exit 3\"")
		}, exitError, "no luck"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.dir(t)
			args := []string{tt.network}
			if tt.name == "another kind" {
				args = append(args, "--kind", "carrier-pigeon")
			}
			code, stdout, stderr := runNew(t, dir, args...)
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
	if err := os.CopyFS(filepath.Join(dir, "bots", "feed"), os.DirFS("scaffold/send")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./tools/newnetwork/generate")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "bots/feed") {
		t.Errorf("error = %v\n%s", err, out)
	}
}
