package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPanickingIsListed lets the Go command say which networks the program has
// when it is built with the panicking one.
func TestPanickingIsListed(t *testing.T) {
	product, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	o, err := (&bench{dir: t.TempDir(), product: product}).panickingOverlay()
	if err != nil {
		t.Fatal(err)
	}
	file, err := o.write()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-overlay", file, "-deps", "./bots/all")
	cmd.Dir = product
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, network := range append(networks(), "panicking") {
		if !strings.Contains(string(out), "ticketfrei/bots/"+network+"\n") {
			t.Errorf("%s is not in the list:\n%s", network, out)
		}
	}
}

func TestOverlayRefusesASourceItDoesNotKnow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "all.go")
	if err := os.WriteFile(file, []byte("package all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := &overlay{t.TempDir(), map[string]string{}}
	if err := o.list(file, "panicking"); !errors.Is(err, errUnknownSource) {
		t.Errorf("%v", err)
	}
}

// clockProgram waits until its wall clock is an hour ahead.
const clockProgram = `package main

import (
	"fmt"
	"time"
)

func main() {
	began := time.Now()
	fmt.Println("ready")
	for time.Since(began) < 20*time.Second {
		if ahead := time.Now().Round(0).Sub(began.Round(0)); ahead >= time.Hour {
			fmt.Println("an hour ahead")
			return
		}
		time.Sleep(time.Millisecond)
	}
	fmt.Println("gave up")
}
`

// TestClockMoves moves the clock of a small program, whose measured time goes
// on as before.
func TestClockMoves(t *testing.T) {
	if testing.Short() {
		t.Skip("builds much of the standard library")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module clock\n", "main.go": clockProgram} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary, err := (&bench{dir: t.TempDir(), product: dir}).withClock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := &program{data: filepath.Join(dir, "data"), env: os.Environ(), cmd: exec.CommandContext(t.Context(), binary)}
	c := newClock(p)
	p.cmd.Env = p.env
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if err := c.set(time.Hour); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); line != "an hour ahead\n" {
		t.Errorf("%q, %v", line, err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Error(err)
	}
}
