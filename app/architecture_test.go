package app

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// roomOf returns the room of docs/ARCHITECTURE.md that a package of ours is in.
func roomOf(pkg string) string {
	path, ours := strings.CutPrefix(pkg, "ticketfrei/")
	first, rest, _ := strings.Cut(path, "/")
	below, _, _ := strings.Cut(rest, "/")
	switch {
	case pkg == "ticketfrei":
		return "main"
	case !ours:
		return ""
	case first != "bots" || rest == "":
		return first
	case below == "all" || below == "kit":
		return "bots/" + below
	default:
		return "networks"
	}
}

// importsOfRooms returns which rooms of the program each room imports, leaving
// out internal packages.
func importsOfRooms(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, ".")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	rooms := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := roomOf(fields[0])
		if from == "" || from == "internal" {
			continue
		}
		for _, imported := range fields[1:] {
			to := roomOf(imported)
			if to != "" && to != "internal" && to != from && !slices.Contains(rooms[from], to) {
				rooms[from] = append(rooms[from], to)
			}
		}
		slices.Sort(rooms[from])
	}
	return rooms
}

// arrow is a line of the picture: "relay → censor, bots, db".
var arrow = regexp.MustCompile(`(?m)^([a-z/]+) +→ (.+)$`)

// TestPictureOfTheRoomsIsTrue compares the picture with the actual imports.
func TestPictureOfTheRoomsIsTrue(t *testing.T) {
	raw, err := os.ReadFile("../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string][]string{}
	for _, m := range arrow.FindAllStringSubmatch(string(raw), -1) {
		drawn[m[1]] = strings.Split(m[2], ", ")
		slices.Sort(drawn[m[1]])
	}
	if diff := cmp.Diff(drawn, importsOfRooms(t)); diff != "" {
		t.Errorf("docs/ARCHITECTURE.md (-) and the code (+) differ:\n%s", diff)
	}
}

// TestLeavesAreListed compares the list of internal packages with the directory.
func TestLeavesAreListed(t *testing.T) {
	raw, err := os.ReadFile("../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("../internal")
	if err != nil {
		t.Fatal(err)
	}
	var leaves []string
	for _, e := range entries {
		leaves = append(leaves, e.Name())
	}
	if want := "leaves: " + strings.Join(leaves, ", ") + "\n"; !strings.Contains(string(raw), want) {
		t.Errorf("docs/ARCHITECTURE.md does not list the %s", want)
	}
}

// TestContributorsLintAsTheChecksDo compares the linter of the guide with that
// of the checks.
func TestContributorsLintAsTheChecksDo(t *testing.T) {
	command := regexp.MustCompile(`run (\S+/golangci-lint@\S+) run`)
	var found []string
	for _, file := range []string{"../CONTRIBUTING.md", "../.ci/run"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := command.FindStringSubmatch(string(raw))
		if m == nil {
			t.Fatalf("%s names no linter", file)
		}
		found = append(found, m[1])
	}
	if found[0] != found[1] {
		t.Errorf("the guide lints with %s, the checks with %s", found[0], found[1])
	}
}

// TestRoomsPointDown checks that the rooms are listed from the top down.
func TestRoomsPointDown(t *testing.T) {
	raw, err := os.ReadFile("../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	_, list, _ := strings.Cut(string(raw), "```\n")
	list, _, _ = strings.Cut(list, "```")
	for line := range strings.Lines(list) {
		place[strings.Fields(line)[0]] = len(place) + 1
	}
	for from, rooms := range importsOfRooms(t) {
		for _, to := range rooms {
			if place[from] == 0 || place[to] == 0 || place[from] >= place[to] {
				t.Errorf("%s imports %s: listed at %d and %d", from, to, place[from], place[to])
			}
		}
	}
}
