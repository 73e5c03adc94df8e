package programtest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ticketfrei/programs/programtest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// block returns the first block of a language in the guide.
func block(t *testing.T, language string) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/PROGRAMS.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(raw)
	if found == nil {
		t.Fatalf("there is no block of %s", language)
	}
	return string(found[1])
}

// TestGuide runs the example of docs/PROGRAMS.md as it stands there.
func TestGuide(t *testing.T) {
	programtest.Need(t, "python3", "python3")
	dir := t.TempDir()
	for name, content := range map[string]string{"program.toml": block(t, "toml"), "diary.py": block(t, "python")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := programtest.Start(t, dir, programtest.Options{})
	r := h.Wait("report", nil)
	if r.Text("text") != "U1 Plärrer 2 Kontis" {
		t.Errorf("reported %v", r)
	}
	h.Say(programtest.Line{"type": "kept", "id": r["id"]})
	h.Say(programtest.Line{"type": "answer", "to": r["from"], "text": "Danke"})
	h.Ask(programtest.Line{"type": "send", "id": "s", "text": "U2 Öl"}, "sent")
	h.Say(programtest.Line{"type": "ping"})
	h.Wait("pong", nil)
	h.End()
	written, err := os.ReadFile(filepath.Join(dir, "diary.txt"))
	if want := "to desk 7: Danke\nU2 Öl\n"; err != nil || string(written) != want {
		t.Errorf("the diary has %q, want %q: %v", written, want, err)
	}
	if log := h.Log(); !strings.Contains(log, "I! one more is written down") || strings.Contains(log, "desk 7") || strings.Contains(log, "Öl") {
		t.Errorf("the log is %q", log)
	}
}
