package newprogram_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/app/newprogram"
	"ticketfrei/internal/slow"
	"ticketfrei/programs/programtest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// commands is what each language needs, and where that comes from.
var commands = map[string]string{"python": "python3", "sh": "sh", "go": "go", "node": "node"}

// written is a new program.
func written(t *testing.T, language string, can ...string) string {
	t.Helper()
	programtest.Need(t, commands[language], language)
	dir := t.TempDir()
	if _, built, err := (newprogram.Program{Name: "trial", Language: language, Can: can}).Write(t.Context(), dir); err != nil || !built {
		t.Fatal(built, err)
	}
	return filepath.Join(dir, "trial")
}

// hostile are texts that do not survive a careless program.
var hostile = []string{
	"U1 Plärrer 2 Kontis", `he said "U2" \ C:\new\table`, `"text":"x","id":"y"`, `\"`, `\\`, "$(touch /tmp/x) `id` 'a' %s %d \\n", "<b>&amp;</b> 🚃 שלום",
}

// TestEachLanguage has each language hear and send, and everything else that it can.
func TestEachLanguage(t *testing.T) {
	for _, language := range newprogram.Languages() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			if language == "go" {
				slow.Test(t, "builds a program")
			}
			dir := written(t, language, newprogram.Abilities()...)
			h := programtest.Start(t, dir, programtest.Options{})
			if r := h.Wait("recipient", nil); r.Text("id") != "outbox" || r["on"] != true {
				t.Errorf("the recipient is %v", r)
			}
			sent := ""
			for i, text := range hostile {
				h.Ask(programtest.Line{"type": "send", "id": fmt.Sprint("s", i), "text": text, "time": time.Now()}, "sent")
				sent += text + "\n"
			}
			outbox, err := os.ReadFile(filepath.Join(dir, "outbox"))
			if diff := cmp.Diff(sent, string(outbox)); diff != "" || err != nil {
				t.Errorf("sent (-want +got):\n%s%v", diff, err)
			}
			hears(t, h, dir, 0)
			h.Say(programtest.Line{"type": "answer", "to": "1", "text": "Danke \"U1\"", "outcome": "passed"})
			h.Ask(programtest.Line{"type": "retract", "id": "r", "receipt": programtest.Line{"id": "x"}}, "sent")
			task := h.Ask(programtest.Line{"type": "task", "id": "t", "report": programtest.Line{"text": "U1 Plärrer"}, "results": programtest.Line{}}, "result")
			if results, _ := task["results"].(map[string]any); results["letters"] != 10.0 {
				t.Errorf("the task made %v", task)
			}
			if answers, err := os.ReadFile(filepath.Join(dir, "answers")); string(answers) != "Danke \"U1\"\n" {
				t.Errorf("answered %q, %v", answers, err)
			}
			if a := h.Ask(programtest.Line{"type": "command", "id": "c", "word": "trial", "text": "x"}, "answer"); a.Text("text") == "" {
				t.Errorf("answered %v", a)
			}
			if a := h.Ask(programtest.Line{"type": "request", "id": "q", "method": "GET", "path": "status"}, "answer"); a.Text("content_type") != "text/plain" {
				t.Errorf("answered %v", a)
			}
			for _, kind := range []string{"tick", "check", "unknown", "of the future"} {
				h.Say(programtest.Line{"type": kind})
			}
			h.SayRaw("this is no JSON")
			h.Say(programtest.Line{"type": "ping"})
			h.Wait("pong", nil)
			h.End()
			if strings.Contains(h.Log(), "this is no JSON") {
				t.Error("the log repeats what nobody knows")
			}
		})
	}
}

// hears writes to the inbox, and keeps the reports. n were kept before.
func hears(t *testing.T, h *programtest.Host, dir string, n int) {
	t.Helper()
	inbox, err := os.OpenFile(filepath.Join(dir, "inbox"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	for i, text := range hostile {
		if _, err := inbox.WriteString(text + "\n"); err != nil {
			t.Fatal(err)
		}
		r := h.Wait("report", nil)
		if r.Text("id") != fmt.Sprint(n+i+1) || r.Text("text") != text || r["from"] != nil && r["from"] != r["id"] {
			t.Errorf("reported %v, want %q", r, text)
		}
		h.Say(programtest.Line{"type": "kept", "id": r.Text("id")})
	}
}

// TestNothingIsLost kills programs, and starts them with the state that they have told.
func TestNothingIsLost(t *testing.T) {
	for _, language := range []string{"sh", "python", "node"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir := written(t, language, "receive", "send")
			h := programtest.Start(t, dir, programtest.Options{})
			hears(t, h, dir, 0)
			var state any
			if language != "sh" { // which keeps it itself
				state = h.Wait("state", func(l programtest.Line) bool { return l["value"] == float64(len(hostile)) })["value"]
			} else {
				h.Ask(programtest.Line{"type": "send", "id": "1", "text": "behind kept"}, "sent")
			}
			h.Kill()
			hears(t, programtest.Start(t, dir, programtest.Options{State: state}), dir, len(hostile))
		})
	}
}

// TestEchoInSh holds the program in sh to 15 lines of code.
func TestEchoInSh(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(written(t, "sh", "receive", "send"), "trial.sh"))
	if err != nil {
		t.Fatal(err)
	}
	code := 0
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "#") {
			code++
		}
	}
	if code > 15 {
		t.Errorf("%d lines:\n%s", code, raw)
	}
}

// TestEachAbility has programs that can one thing alone be right, too.
func TestEachAbility(t *testing.T) {
	slow.Test(t, "starts many programs")
	for _, language := range []string{"python", "sh", "node"} {
		for _, can := range newprogram.Abilities() {
			if can == "retract" || can == "recipients" {
				continue // not without send
			}
			h := programtest.Start(t, written(t, language, can), programtest.Options{})
			h.Say(programtest.Line{"type": "ping"})
			h.Wait("pong", nil)
			h.End()
		}
	}
}

// TestGoIsFormatted holds the program in Go to its form with each ability.
func TestGoIsFormatted(t *testing.T) {
	slow.Test(t, "builds programs")
	for _, can := range newprogram.Abilities() {
		dir := written(t, "go", "send", can)
		if out, err := exec.CommandContext(t.Context(), "gofmt", "-l", dir).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: gofmt would change %s (%v)", can, out, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		p    newprogram.Program
		want string
	}{
		{newprogram.Program{Name: "a", Language: "cobol"}, "python, sh, go, node"},
		{newprogram.Program{Name: "a", Language: "sh", Can: []string{"fly"}}, "receive, send"},
		{newprogram.Program{Name: "a", Language: "sh", Can: []string{"retract"}}, "needs send"},
	} {
		if _, _, err := tt.p.Write(t.Context(), dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.p, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
