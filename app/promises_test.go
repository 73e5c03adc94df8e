package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName = regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`)
	testFunc = regexp.MustCompile(`(?m)^func ((Test|Fuzz)\w+)\(`)
)

// TestPromisesHaveTests checks that every promise of docs/PRIVACY.md names a test, and
// that there are tests of these names.
func TestPromisesHaveTests(t *testing.T) {
	page, err := os.ReadFile("../docs/PRIVACY.md")
	if err != nil {
		t.Fatal(err)
	}
	there := testsOfTheProgram(t)
	for _, name := range testName.FindAllString(string(page), -1) {
		if !there[name] {
			t.Errorf("docs/PRIVACY.md names %s, which is no test", name)
		}
	}
	promises, _, _ := strings.Cut(string(page), "## What a seized server shows")
	for _, promise := range strings.Split(promises, "\n- **")[1:] {
		if !testName.MatchString(promise) {
			t.Errorf("docs/PRIVACY.md names no test of the promise %q", promise)
		}
	}
}

// testsOfTheProgram are the names of all tests.
func testsOfTheProgram(t *testing.T) map[string]bool {
	t.Helper()
	there := make(map[string]bool)
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range testFunc.FindAllSubmatch(source, -1) {
			there[string(found[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return there
}
