package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"ticketfrei/internal/slow"
)

func TestVersionOf(t *testing.T) {
	built := func(settings ...debug.BuildSetting) *debug.BuildInfo { return &debug.BuildInfo{Settings: settings} }
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123abc"}
	for _, c := range []struct {
		name, release string
		info          *debug.BuildInfo
		want          string
	}{
		{"of a tag", "v3.1.0", built(commit), "v3.1.0"},
		{"of a commit", "", built(commit, debug.BuildSetting{Key: "vcs.modified", Value: "false"}), "3, commit 0123abc"},
		{"of changed files", "", built(commit, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "3, commit 0123abc (changed)"},
		{"of source without history", "", built(), "3 (built without version information)"},
		{"by no go build", "", nil, "3 (built without version information)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := versionOf(c.release, c.info); got != c.want {
				t.Errorf("version %q, want %q", got, c.want)
			}
		})
	}
}

// TestVersionFromTheBuild builds a copy of the program in the ways that people
// and the Dockerfile do.
func TestVersionFromTheBuild(t *testing.T) {
	slow.Test(t, "builds the program")
	t.Parallel()
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	flag := regexp.MustCompile(`-X \S+=\$\{VERSION\}`).FindString(string(dockerfile))
	if flag == "" {
		t.Fatal("the Dockerfile does not set the version")
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=true", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	version := func(flags ...string) string {
		t.Helper()
		run("go", append([]string{"build", "-o", "ticketfrei"}, append(flags, ".")...)...)
		return run(filepath.Join(dir, "ticketfrei"), "version")
	}
	copySource(t, dir)
	run("git", "init", "--quiet")
	run("git", "add", "--all")
	run("git", "commit", "--quiet", "-m", "All of it")
	commit := run("git", "rev-parse", "HEAD")
	if got, want := version(), "ticketfrei 3, commit "+commit; got != want {
		t.Errorf("a build of a commit says %q, want %q", got, want)
	}
	run("git", "tag", "v3.1.0")
	release := run("git", "describe", "--tags", "--always", "--dirty")
	if got, want := version("-ldflags", strings.Replace(flag, "${VERSION}", release, 1)), "ticketfrei v3.1.0"; got != want {
		t.Errorf("a build of a tag with the Dockerfile's flag %s says %q, want %q", flag, got, want)
	}
}

// copySource copies what git tracks of the project, or would add.
func copySource(t *testing.T, to string) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Skipf("needs the git checkout that the project is built from: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join("..", name))
		if os.IsNotExist(err) {
			continue // deleted, not committed yet
		}
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
