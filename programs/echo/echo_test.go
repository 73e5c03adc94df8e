package echo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/app/newprogram"
	"ticketfrei/internal/slow"
	"ticketfrei/programs/programtest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// TestBothWays hears and sends what a careless shell script would spoil.
func TestBothWays(t *testing.T) {
	dir := programtest.Copy(t, ".")
	h := programtest.Start(t, dir, programtest.Options{})
	inbox, err := os.OpenFile(filepath.Join(dir, "inbox"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	want := ""
	for i, text := range []string{"U1 Plärrer", `"U2" \n C:\ud83d 'x' $(id) %s`, `\"text\":\"`, "🚃 שלום"} {
		begin := time.Now()
		if _, err := inbox.WriteString(text + "\n"); err != nil {
			t.Fatal(err)
		}
		r := h.Wait("report", nil)
		if r.Text("text") != text || r.Text("id") != fmt.Sprint(i+1) {
			t.Errorf("reported %v, want %q", r, text)
		}
		heard := time.Since(begin)
		h.Ask(programtest.Line{"type": "send", "id": fmt.Sprint("s", i), "text": text, "time": begin}, "sent")
		if t.Logf("heard in %s, sent in %s", heard, time.Since(begin)-heard); time.Since(begin) > 2*time.Second && !slow.Racing() {
			t.Error("that took long")
		}
		want += text + "\n"
	}
	outbox, err := os.ReadFile(filepath.Join(dir, "outbox"))
	if diff := cmp.Diff(want, string(outbox)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	h.End()
}

// TestNew holds the example to what "ticketfrei new program" writes.
func TestNew(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := (newprogram.Program{Name: "echo", Language: "sh", Can: []string{"receive", "send"}}).Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join(dir, "echo", "echo.sh"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("echo.sh")
	if diff := cmp.Diff(string(written), string(example)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
