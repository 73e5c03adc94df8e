package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
