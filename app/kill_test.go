package app

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/smtp"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

// sendsAtOnce is how many mails a city's mail bot sends at once. That many can
// be under way when the process is killed.
const sendsAtOnce = 8

// program is the real binary, running.
type program struct {
	cmd  *exec.Cmd
	once sync.Once

	mu    sync.Mutex
	lines []string
}

// log returns what the program has logged.
func (p *program) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// buildProgram builds the binary once for the test.
func buildProgram(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "ticketfrei")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "..").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// startProgram starts the binary and waits until it is ready.
func startProgram(t *testing.T, binary string, env ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(binary, "serve")}
	p.cmd.Env = append(os.Environ(), env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.mu.Lock()
			p.lines = append(p.lines, lines.Text())
			p.mu.Unlock()
			if strings.Contains(lines.Text(), "msg=ready") {
				select {
				case ready <- true:
				default: // it has started again
				}
			}
		}
		close(ready)
	}()
	select {
	case ok := <-ready:
		if !ok {
			t.Fatal("the program ended before it was ready")
		}
	case <-time.After(patience):
		t.Fatal("the program is not ready")
	}
	return p
}

// kill ends the program as kill -9 does. It may be called twice.
func (p *program) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
}

// stop asks the program to end, as an update does, and waits for that. It may
// be called twice.
func (p *program) stop() {
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		_ = p.cmd.Wait()
	})
}

// burst mails n reports over several connections and returns those that were
// answered with 250 before the program was killed.
func burst(address string, round, n int) []string {
	var mu sync.Mutex
	var accepted []string
	next := make(chan int)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			for i := range next {
				text := fmt.Sprintf("Report %d-%d.", round, i)
				from := fmt.Sprintf("rider%d-%d@riders.example", round, i)
				err := smtp.SendMail(address, nil, from, []string{here}, message(from, here, fmt.Sprintf("%d-%d@x", round, i), "", text))
				if err == nil {
					mu.Lock()
					accepted = append(accepted, text)
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
	return accepted
}

// TestKilledProgramLosesNothing kills or stops the program in the middle of a
// burst of 500 mails, five times each.
func TestKilledProgramLosesNothing(t *testing.T) {
	slow.Test(t, "kills the program again and again")
	const rounds, mails = 10, 500
	box := startMailbox(t)
	dir := t.TempDir()
	binary := buildProgram(t)
	env, web, incoming := environment(t, dir, box)
	mustAddCity(t, binary, env, "nuernberg")

	p := startProgram(t, binary, env...)
	a := &app{T: t, url: "http://" + web, smtp: incoming}
	a.allowEverything("m@nuernberg.example")
	subscribers := []string{"one@subscribers.example", "two@subscribers.example"}
	a.subscribe(box, "nuernberg", subscribers...)

	var accepted []string
	for round := range rounds {
		end := p.kill
		if round%2 == 1 {
			end = p.stop
		}
		ending := time.AfterFunc(time.Duration(50+rand.IntN(700))*time.Millisecond, end)
		accepted = append(accepted, burst(incoming, round, mails)...)
		ending.Stop()
		end()
		p = startProgram(t, binary, env...)
	}
	arrived := func() map[string]int {
		n := make(map[string]int)
		for _, s := range subscribers {
			for _, l := range box.to(t, s, "Report ") {
				text, _, _ := strings.Cut(l.Body, "\r\n")
				n[s+" "+text]++
			}
		}
		return n
	}
	missing := func() []string {
		n := arrived()
		var list []string
		for _, s := range subscribers {
			for _, text := range accepted {
				if n[s+" "+text] == 0 {
					list = append(list, s+" "+text)
				}
			}
		}
		return list
	}
	for deadline := time.Now().Add(2 * time.Minute); len(missing()) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d acknowledged reports did not arrive, as %s", len(missing()), len(accepted)*len(subscribers), missing()[0])
		}
	}
	twice := 0
	for _, n := range arrived() {
		twice += n - 1
	}
	t.Logf("%d kills and stops: %d mails acknowledged, 0 lost, %d of %d deliveries arrived twice", rounds, len(accepted), twice, len(accepted)*len(subscribers))
	if len(accepted) < mails {
		t.Errorf("only %d mails were acknowledged: the kills came too early to mean anything", len(accepted))
	}
	if twice > rounds*sendsAtOnce {
		t.Errorf("%d deliveries arrived twice, more than were in flight", twice)
	}
}

// allowEverything sets a city's rule to "*", as its moderator does.
func (a *app) allowEverything(moderator string) {
	a.Helper()
	a.login(moderator).post("/settings/rules", url.Values{"triggers": {"*"}, "blocked": {""}}, 200)
}
