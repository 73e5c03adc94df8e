// Package programtest plays the server for the tests of outside programs: it starts them
// caged as the server does, and talks with them line by line.
package programtest

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"ticketfrei/internal/cage"
)

// Line is a line of the protocol.
type Line map[string]any

// Text returns a field that is a text; empty where it is none.
func (l Line) Text(name string) string {
	s, _ := l[name].(string)
	return s
}

// Main is what TestMain of a package that uses Start calls: the test binary becomes the
// programs.
func Main(m *testing.M) int {
	if code, is := cage.Helper(os.Args[1:]); is {
		return code
	}
	return m.Run()
}

// Need skips the test where a command is not installed, and fails it in CI.
func Need(tb testing.TB, command, install string) {
	tb.Helper()
	if _, err := exec.LookPath(command); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		tb.Fatalf("%s is missing: install %s", command, install)
	}
	tb.Skipf("%s is missing: install %s", command, install)
}

// Copy copies the directory of a program, so that it can write there.
func Copy(tb testing.TB, dir string) string {
	tb.Helper()
	to := filepath.Join(tb.TempDir(), filepath.Base(dir))
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		tb.Fatal(err)
	}
	return to
}

// Options are what a program is told at its beginning, and what it may do beside what its
// manifest says.
type Options struct {
	Settings map[string]string
	State    any
	Lines    []string
	Stops    []string
	Files    []string
}

// manifest is what Start needs of program.toml.
type manifest struct {
	Command  []string
	Files    []string
	Requires []string
	Network  *bool
	Memory   int
	Setting  []struct {
		Name    string
		Default string
	}
}

// Host is the server's side of a program that runs.
type Host struct {
	tb      testing.TB
	process *cage.Process
	lines   chan Line

	mu     sync.Mutex
	queued []Line // that nobody has waited for yet
	log    strings.Builder
}

// Start starts the program in a directory, says begin and waits until it is ready.
func Start(tb testing.TB, dir string, o Options) *Host {
	tb.Helper()
	h := Launch(tb, dir, o)
	h.Wait("ready", nil)
	return h
}

// Launch is Start without the waiting.
func Launch(tb testing.TB, dir string, o Options) *Host {
	tb.Helper()
	var m manifest
	raw, err := os.ReadFile(filepath.Join(dir, "program.toml"))
	if err != nil {
		tb.Fatal(err)
	}
	// The server, too, tells the command apart from the commands.
	if _, err := toml.Decode(strings.ReplaceAll(string(raw), "[[command]]", "[[commands]]"), &m); err != nil {
		tb.Fatal(err)
	}
	p, err := cage.Start(cage.Options{Dir: dir, Command: m.Command, Files: append(m.Files, o.Files...), Requires: m.Requires,
		Network: m.Network == nil || *m.Network, Memory: m.Memory})
	if err != nil {
		tb.Fatal(err)
	}
	h := &Host{tb: tb, process: p, lines: make(chan Line, 1000)}
	var reading sync.WaitGroup
	reading.Go(h.read)
	reading.Go(h.readLog)
	tb.Cleanup(func() {
		p.Close()
		reading.Wait()
		if tb.Failed() {
			tb.Logf("the program's log:\n%s", h.Log())
		}
	})
	settings := map[string]string{}
	for _, s := range m.Setting {
		settings[s.Name] = s.Default
	}
	maps.Copy(settings, o.Settings)
	begin := Line{"type": "begin", "protocol": 1, "city": Line{"slug": "nuernberg", "name": "Nürnberg", "language": "de", "zone": "Europe/Berlin"}, "settings": settings,
		"state": o.State, "lines": append([]string{}, o.Lines...), "stops": append([]string{}, o.Stops...), "worker": 0}
	h.Say(begin)
	return h
}

// Say says a line. Type and id stand first, as the server writes them.
func (h *Host) Say(l Line) {
	h.tb.Helper()
	h.SayRaw(strings.TrimSuffix(string(encode(h.tb, l)), "\n"))
}

// SayRaw writes a line, whatever it is.
func (h *Host) SayRaw(line string) {
	h.tb.Helper()
	if _, err := h.process.Stdin.WriteString(line + "\n"); err != nil {
		h.tb.Fatalf("say %s: %v", line, err)
	}
}

func encode(tb testing.TB, l Line) []byte {
	tb.Helper()
	names := slices.Sorted(maps.Keys(l))
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i, name := range names {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		for j, part := range []any{name, l[name]} {
			if err := e.Encode(part); err != nil {
				tb.Fatal(err)
			}
			if j == 0 {
				b.WriteString(":")
			}
		}
	}
	return append([]byte(strings.ReplaceAll(b.String(), "\n", "")), "}\n"...) // a line break within a text is written as \n
}

func rank(name string) int {
	switch name {
	case "type":
		return 0
	case "id":
		return 1
	}
	return 2
}

// patience is how long the program may take for a line.
const patience = 10 * time.Second

// Wait waits for a line of a type that fits, and returns it. Others wait for their turn.
func (h *Host) Wait(kind string, fits func(Line) bool) Line {
	h.tb.Helper()
	good := func(l Line) bool { return l.Text("type") == kind && (fits == nil || fits(l)) }
	if i := slices.IndexFunc(h.queued, good); i >= 0 {
		l := h.queued[i]
		h.queued = slices.Delete(h.queued, i, i+1)
		return l
	}
	timeout := time.After(patience)
	for {
		select {
		case l, ok := <-h.lines:
			if !ok {
				h.tb.Fatalf("the program ended (%v) before it said %q", h.process.Err(), kind)
			}
			if good(l) {
				return l
			}
			h.queued = append(h.queued, l)
		case <-timeout:
			h.tb.Fatalf("the program did not say %q; it said %v", kind, h.queued)
		}
	}
}

// Ask says a line with an id, and waits for the line of a type with the same id (of an answer:
// that goes to it).
func (h *Host) Ask(l Line, kind string) Line {
	h.tb.Helper()
	h.Say(l)
	name := "id"
	if kind == "answer" {
		name = "to"
	}
	return h.Wait(kind, func(got Line) bool { return got[name] == l["id"] })
}

// End says end, closes the input, and waits until the program has ended, with code 0.
func (h *Host) End() {
	h.tb.Helper()
	h.Say(Line{"type": "end"})
	h.process.Stop(patience)
	if err := h.process.Err(); err != nil {
		h.tb.Errorf("the program ended: %v", err)
	}
}

// Kill kills the program, and waits for its end.
func (h *Host) Kill() {
	h.process.Kill()
	<-h.process.Done()
}

// Ended waits until the program has ended by itself, and says how.
func (h *Host) Ended() error { return h.process.Err() }

// Log returns what the program has written to stderr.
func (h *Host) Log() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

// read reads lines, each of which must be one of the protocol.
func (h *Host) read() {
	defer close(h.lines)
	s := bufio.NewScanner(h.process.Stdout)
	s.Buffer(nil, 64<<10)
	for s.Scan() {
		var l Line
		if err := json.Unmarshal(s.Bytes(), &l); err != nil || l.Text("type") == "" {
			h.tb.Errorf("the program wrote %q, which is no line of the protocol: %v", s.Text(), err)
			continue
		}
		h.lines <- l
	}
}

func (h *Host) readLog() {
	s := bufio.NewScanner(h.process.Stderr)
	for s.Scan() {
		h.mu.Lock()
		h.log.WriteString(s.Text() + "\n")
		h.mu.Unlock()
	}
}
