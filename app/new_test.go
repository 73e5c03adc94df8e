package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ticketfrei/app/newprogram"
	"ticketfrei/internal/slow"
	"ticketfrei/programs/programtest"
)

// TestNewProgram begins a program from the command line, and refuses what cannot be one.
func TestNewProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"fahrplan", "--language", "sh", "--can", "task,command"}, exitOK, "ticketfrei program check fahrplan"},
		{[]string{"fahrplan"}, exitError, "is there already"},
		{[]string{"mail"}, exitUsage, "there is a network mail already"},
		{[]string{"Fahrplan"}, exitUsage, "lower case letters"},
		{[]string{"other", "--language", "cobol"}, exitUsage, "python"},
		{[]string{"other", "--can", "fly"}, exitError, "receive, send"},
	} {
		var out strings.Builder
		code := runCommand(t.Context(), t, &out, &out, append(append([]string{"new", "program"}, tt.args...), "--dir", dir)...)
		if code != tt.code || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%v: exit code %d, %s", tt.args, code, out.String())
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "fahrplan", "program.toml"))
	if err != nil || !strings.Contains(string(raw), `can     = ["task", "command"]`) || !strings.Contains(string(raw), "[[command]]") {
		t.Errorf("wrote %s, %v", raw, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}

// TestNewProgramIsRight begins a program in each language, which passes the check at once.
func TestNewProgramIsRight(t *testing.T) {
	slow.Test(t, "starts programs of each language")
	t.Parallel()
	needs := map[string]string{"python": "python3", "sh": "sh", "go": "go", "node": "node"}
	for _, language := range newprogram.Languages() {
		t.Run(language, func(t *testing.T) {
			programtest.Need(t, needs[language], language)
			dir := t.TempDir()
			config := filepath.Join(dir, "config.toml")
			if err := os.WriteFile(config, []byte("[programs]\ndir = \""+dir+"\"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			began := time.Now()
			code := runCommand(t.Context(), t, &out, &out, "new", "program", "fresh", "--language", language, "--dir", dir)
			if code == exitOK {
				code = runCommand(t.Context(), t, &out, &out, "program", "check", "fresh", "--config", config)
			}
			for _, want := range []string{"ok    ready", "ok    send", "it starts again after it was killed", "ok    it ends when it is told to"} {
				if code != exitOK || !strings.Contains(out.String(), want) {
					t.Errorf("exit code %d, no %q in\n%s", code, want, &out)
				}
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Logf("it took %s", took) // on a machine that has much else to do
			}
		})
	}
}
