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
	testsAreThere(t, "docs/PRIVACY.md", string(page), there)
	promises, _, _ := strings.Cut(string(page), "## What a seized server shows")
	for _, promise := range strings.Split(promises, "\n- **")[1:] {
		if !testName.MatchString(promise) {
			t.Errorf("docs/PRIVACY.md names no test of the promise %q", promise)
		}
	}
}

// TestRowsHaveTests checks that every row of docs/ENGINE.md says what shows that it holds,
// and that there are tests of these names.
func TestRowsHaveTests(t *testing.T) {
	page, err := os.ReadFile("../docs/ENGINE.md")
	if err != nil {
		t.Fatal(err)
	}
	testsAreThere(t, "docs/ENGINE.md", string(page), testsOfTheProgram(t))
	shown := regexp.MustCompile("(`|as it was|step 1[12]|no$|by hand$|docs/)")
	rows := regexp.MustCompile(`(?m)^\| ([BCHI]\d+) \|.*\| ([^|]*) \|$`).FindAllStringSubmatch(string(page), -1)
	if len(rows) != 104 {
		t.Errorf("docs/ENGINE.md has %d rows", len(rows))
	}
	for _, row := range rows {
		if !shown.MatchString(row[2]) {
			t.Errorf("row %s says nothing of what shows it: %q", row[1], row[2])
		}
	}
}

// TestCasesOfKibicaraHaveTests checks that each of Kibicara's cases names a test that there is,
// or is not built.
func TestCasesOfKibicaraHaveTests(t *testing.T) {
	const name = "docs/decisions/kibicara-cases.md"
	page, err := os.ReadFile("../" + name)
	if err != nil {
		t.Fatal(err)
	}
	testsAreThere(t, name, string(page), testsOfTheProgram(t))
	cases := 0
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z]+)\.(test_\w+) \|[^|]*\|([^|]*)\|$`).FindAllStringSubmatch(string(page), -1) {
		if cases++; !testName.MatchString(row[3]) {
			t.Errorf("%s.%s has no test", row[1], row[2])
		}
	}
	for _, group := range regexp.MustCompile(`(?m)^\| twitter, [a-z ]+ \((\d)( cases)?\) \| not built`).FindAllStringSubmatch(string(page), -1) {
		cases += int(group[1][0] - '0')
	}
	if cases != 62 {
		t.Errorf("%s has %d cases", name, cases)
	}
}

// testsAreThere checks that what a page names as tests are some.
func testsAreThere(t *testing.T, name, page string, there map[string]bool) {
	t.Helper()
	for _, test := range testName.FindAllString(page, -1) {
		if !there[test] {
			t.Errorf("%s names %s, which is no test", name, test)
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
