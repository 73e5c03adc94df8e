package gtfs_test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/programs/programtest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// results asks the program what a text is about.
func results(h *programtest.Host, text string) any {
	return h.Ask(programtest.Line{"type": "task", "id": text, "report": programtest.Line{"text": text, "network": "mail"}, "results": programtest.Line{}}, "result")["results"]
}

func TestTask(t *testing.T) {
	programtest.Need(t, "python3", "python3")
	t.Parallel()
	dir := programtest.Copy(t, ".")
	h := programtest.Start(t, dir, programtest.Options{Settings: map[string]string{"FEED": "testdata"}})
	for text, want := range map[string]any{
		"U1 Plärrer 2 Kontis Richtung Röthenbach":   map[string]any{"line": "U1", "stop": "Plärrer", "direction": "Röthenbach"},
		"kontis in der u 2 am PLAERRER":             map[string]any{"line": "U2", "stop": "Plärrer"},
		"weisser turm, 36 Leute":                    map[string]any{"stop": "Weißer Turm"},
		"Bus 36 Maximilianstraße nach Hauptbahnhof": map[string]any{"line": "36", "stop": "Maximilianstr.", "direction": "Hauptbahnhof"},
		"S2 ab Fürth Hauptbahnhof":                  map[string]any{"line": "S 2", "stop": "Fürth Hauptbahnhof"},
		"nichts los":                                map[string]any{},
		"":                                          map[string]any{},
	} {
		if diff := cmp.Diff(want, results(h, text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	h.SayRaw("this is no JSON")
	h.Say(programtest.Line{"type": "ping"})
	h.Wait("pong", nil)
	h.End()
	if !strings.Contains(h.Log(), "I! 4 lines and 6 stops") {
		t.Errorf("the log is %q", h.Log())
	}
}

// TestTick reads the timetable again, and keeps the last one where that fails.
func TestTick(t *testing.T) {
	programtest.Need(t, "python3", "python3")
	t.Parallel()
	dir := programtest.Copy(t, ".")
	h := programtest.Start(t, dir, programtest.Options{})
	if diff := cmp.Diff(map[string]any{}, results(h, "U1")); diff != "" {
		t.Error(diff)
	}
	pack(t, filepath.Join(dir, "feed"), filepath.Join(dir, "testdata"))
	h.Say(programtest.Line{"type": "tick"})
	want := map[string]any{"line": "U1"}
	if diff := cmp.Diff(want, results(h, "U1")); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "feed"), []byte("no timetable"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.Say(programtest.Line{"type": "tick"})
	if diff := cmp.Diff(want, results(h, "U1 ")); diff != "" {
		t.Error(diff)
	}
	h.End()
	if !strings.Contains(h.Log(), "E! the timetable feed cannot be read") {
		t.Errorf("the log is %q", h.Log())
	}
}

// pack writes a timetable as a .zip file.
func pack(t *testing.T, path, dir string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z := zip.NewWriter(file)
	if err := z.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}
