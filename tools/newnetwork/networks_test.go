package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is where the project is.
const root = "../.."

// gitFiles lists the files that git knows or would take.
func gitFiles(t *testing.T) ([]byte, error) {
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	return cmd.Output()
}

// copyTree copies the project without what git ignores or the build does not
// need.
func copyTree(t *testing.T, to string) {
	t.Helper()
	out, err := gitFiles(t)
	if err != nil {
		t.Skipf("needs the git checkout that the project is built from: %v", err)
	}
	for _, name := range strings.Fields(string(out)) {
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func goRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestListOfNetworksIsCurrent(t *testing.T) {
	dir := t.TempDir()
	copyTree(t, dir)
	goRun(t, dir, "run", "./tools/newnetwork/generate")
	want, err := os.ReadFile(filepath.Join(dir, "bots/all/all.go"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "bots/all/all.go"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run go generate: %s", diff)
	}
}
