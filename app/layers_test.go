package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listed is a package as go list prints it.
type listed struct {
	ImportPath string
	Imports    []string
}

// module is what the import paths of our packages begin with.
const module = "ticketfrei/"

// ours returns its imports among our packages, without the module.
func (p listed) ours() []string {
	var list []string
	for _, path := range p.Imports {
		if room, ok := strings.CutPrefix(path, module); ok {
			list = append(list, room)
		}
	}
	return list
}

// name returns the import path without the module; the program itself is
// "main".
func (p listed) name() string {
	if p.ImportPath+"/" == module {
		return "main"
	}
	return strings.TrimPrefix(p.ImportPath, module)
}

// packages returns what go list says about packages.
func packages(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Imports"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// layers are the rooms from the top down. A room may import itself and the
// rooms of the layers below. The first pattern that fits a package counts.
var layers = []struct {
	room  *regexp.Regexp
	layer int
}{
	{regexp.MustCompile(`^main$`), 11},
	{regexp.MustCompile(`^app\b`), 10},
	{regexp.MustCompile(`^(frontend|api|supervisor|relay)$`), 9},
	{regexp.MustCompile(`^manage$`), 8},
	{regexp.MustCompile(`^(bots/all|moving)$`), 7},
	{regexp.MustCompile(`^bots/kit\b`), 5},
	{regexp.MustCompile(`^bots/[a-z0-9]+`), 6},
	{regexp.MustCompile(`^(bots$|filter\b)`), 4},
	{regexp.MustCompile(`^place\b`), 3},
	{regexp.MustCompile(`^(db|censor|intent)$`), 2},
	{regexp.MustCompile(`^(internal|templates)\b`), 1},
}

// layerOf returns the room of a package and its layer. The layer is 0 for what
// only tests and tools import.
func layerOf(name string) (room string, layer int) {
	if strings.HasSuffix(name, "test") || strings.HasPrefix(name, "tools/") || strings.HasPrefix(name, "programs/") {
		return name, 0
	}
	for _, l := range layers {
		if m := l.room.FindString(name); m != "" {
			return m, l.layer
		}
	}
	return name, -1
}

// TestImportsPointDown holds the rooms to their layers: censor imports only
// report, intent nothing, internal packages import only each other, no network imports another,
// and only main imports app.
func TestImportsPointDown(t *testing.T) {
	var wrong []string
	for _, p := range packages(t, "./...") {
		room, layer := layerOf(p.name())
		if layer == 0 {
			continue
		}
		if layer < 0 {
			t.Errorf("%s is in no room", p.name())
		}
		for _, path := range p.ours() {
			to, below := layerOf(path)
			alone := room == "censor" && path != "internal/report" || room == "intent"
			if alone || below <= 0 || to != room && below >= layer {
				wrong = append(wrong, p.name()+" → "+path)
			}
		}
	}
	if len(wrong) > 0 {
		t.Errorf("imports that lead up:\n%s", strings.Join(wrong, "\n"))
	}
}

// TestModules holds what stands beside the program, as the benchmark, to the versions that it
// needs: else nobody can start it.
func TestModules(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"tools/bench", "tools/apicheck", "programs/broker"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "./...")
		cmd.Dir = filepath.Join("..", dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", dir, err, out)
		}
	}
}

// notShipped must not be in the program.
var notShipped = regexp.MustCompile(`^testing(/|$)|^ticketfrei/(tools/|.*(test|scaffold|bench)(/|$))|/plot(/|$)`)

// sockets are our packages that import a WebSocket library. One is enough.
var (
	webSocket = regexp.MustCompile(`/websocket(/|$)|gobwas/ws(/|$)`)
	sockets   = []string{"ticketfrei/internal/socket"}
)

func TestShippedProgram(t *testing.T) {
	var shipped, found []string
	for _, p := range packages(t, "-deps", ".") {
		if notShipped.MatchString(p.ImportPath) {
			shipped = append(shipped, p.ImportPath)
		}
		if strings.HasPrefix(p.ImportPath, module) && slices.ContainsFunc(p.Imports, webSocket.MatchString) {
			found = append(found, p.ImportPath)
		}
	}
	slices.Sort(found)
	if len(shipped) > 0 {
		t.Errorf("what is not to be shipped:\n%s", strings.Join(shipped, "\n"))
	}
	if diff := cmp.Diff(sockets, found); diff != "" {
		t.Errorf("packages that import a WebSocket library (-known +found):\n%s", diff)
	}
}
