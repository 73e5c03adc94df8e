package app

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

// unstored is how many deliveries may have been sent without that being stored,
// sendsAtOnce how many mails of a city may be on the wire beside them: at most so
// many arrive twice when the process is killed.
const (
	unstored    = 32
	sendsAtOnce = 8
)

// program is the real binary, running.
type program struct {
	cmd  *exec.Cmd
	log  logbook
	once sync.Once
}

// programDir is the directory of the real binary once a test has built it. TestMain removes it.
var programDir string

// build builds the real binary.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ticketfrei")
	if err != nil {
		return "", err
	}
	programDir = dir
	binary := filepath.Join(dir, "ticketfrei")
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
})

// buildProgram returns the real binary, which is built once for all tests.
func buildProgram(t *testing.T) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// startProgram starts the binary and waits until it is ready.
func startProgram(t *testing.T, binary string, env ...string) *program {
	t.Helper()
	return startCommand(t, exec.Command(binary, "serve"), env...)
}

// startCommand starts a command that becomes the program and waits until it is
// ready.
func startCommand(t *testing.T, cmd *exec.Cmd, env ...string) *program {
	t.Helper()
	p := &program{cmd: cmd}
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
			fmt.Fprintln(&p.log, lines.Text())
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
			t.Fatalf("the program ended before it was ready:\n%s", p.log.String())
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

// exitCode waits until the program has ended by itself, or was stopped.
func (p *program) exitCode() int {
	defer time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() }).Stop()
	p.once.Do(func() { _ = p.cmd.Wait() })
	return p.cmd.ProcessState.ExitCode()
}

// burst mails n reports over several connections and returns those that were
// answered with 250 before the program was killed. accept is told of each how many there
// are.
func burst(address string, round, n int, accept func(count int)) []string {
	var mu sync.Mutex
	var accepted []string
	next := make(chan int)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			for i := range next {
				text := fmt.Sprintf("Report %d-%d.", round, i)
				from := fmt.Sprintf("rider%d-%d@riders.example", round, i)
				err := sendMail(address, from, here, message(from, here, fmt.Sprintf("%d-%d@x", round, i), "", text))
				if err == nil {
					mu.Lock()
					accepted = append(accepted, text)
					accept(len(accepted))
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

// TestKilledProgramLosesNothing kills the program in the middle of a burst of 500
// mails, five times, and then stops it as often.
func TestKilledProgramLosesNothing(t *testing.T) {
	slow.Test(t, "kills the program again and again")
	t.Parallel()
	const rounds = 5
	s := newSiege(t)
	for range rounds {
		s.burst((*program).kill)
	}
	killed := s.twice()
	for range rounds {
		s.burst((*program).stop)
	}
	stopped := s.twice() - killed
	t.Logf("%d kills and as many stops: %d mails acknowledged, 0 lost; of their %d deliveries arrived twice: %d after kills, %d after stops",
		rounds, len(s.accepted), len(s.accepted)*len(s.subscribers), killed, stopped)
	if killed > rounds*(unstored+sendsAtOnce) || stopped > 0 {
		t.Errorf("arrived twice: %d after kills, at most %d of which were not stored; %d after stops", killed, rounds*(unstored+sendsAtOnce), stopped)
	}
}

// siegeBurst is how many mails come in each round of a siege.
const siegeBurst = 500

// siege is a program that ends again and again, and starts again.
type siege struct {
	*app
	binary      string
	env         []string
	program     *program
	box         *mailbox
	subscribers []string
	round       int
	accepted    []string
}

func newSiege(t *testing.T) *siege {
	t.Helper()
	s := &siege{box: startMailbox(t), binary: buildProgram(t), subscribers: []string{"one@subscribers.example", "two@subscribers.example"}}
	s.env, s.app = environment(t, t.TempDir(), s.box)
	s.env = append(s.env, unbraked...)
	mustAddCity(t, s.binary, s.env, "nuernberg")
	s.program = startProgram(t, s.binary, s.env...)
	s.allowEverything("m@nuernberg.example")
	s.subscribe(s.box, "nuernberg", s.subscribers...)
	return s
}

// burst ends the program in the middle of a burst of mails, and starts it again.
func (s *siege) burst(end func(*program)) {
	s.Helper()
	p := s.program
	last, ended := siegeBurst/5+rand.IntN(siegeBurst/2), make(chan struct{})
	accepted := burst(s.smtp, s.round, siegeBurst, func(count int) {
		if count == last {
			go func() { defer close(ended); end(p) }()
		}
	})
	if len(accepted) < last {
		s.Fatalf("%d of %d mails were acknowledged by a program that nobody ended", len(accepted), siegeBurst)
	}
	<-ended
	s.accepted = append(s.accepted, accepted...)
	s.round++
	s.program = startProgram(s.T, s.binary, s.env...)
}

// twice waits until everything has arrived, and returns how many deliveries have
// arrived twice.
func (s *siege) twice() int {
	s.Helper()
	s.drained()
	n := make(map[string]int)
	for _, subscriber := range s.subscribers {
		for _, l := range s.box.to(s, subscriber, "Report ") {
			text, _, _ := strings.Cut(l.Body, "\r\n")
			n[subscriber+" "+text]++
		}
		for _, text := range s.accepted {
			if n[subscriber+" "+text] == 0 {
				s.Errorf("%s did not get an acknowledged report: %s", subscriber, text)
			}
		}
	}
	twice := 0
	for _, times := range n {
		twice += times - 1
	}
	return twice
}

// drained waits until a program has nothing to do any more, as its metrics say.
func (a *app) drained() {
	a.Helper()
	waitUntil(a, "nothing to wait", func() bool {
		waits := queueMetric.FindAllStringSubmatch(a.figures(), -1)
		return len(waits) == 3 && !slices.ContainsFunc(waits, func(w []string) bool { return w[1] != "0" })
	})
}

var queueMetric = regexp.MustCompile(`(?m)^ticketfrei_queue_messages\{.*\} (\S+)$`)

// allowEverything sets a city's rule to "*".
func (a *app) allowEverything(moderator string) {
	a.Helper()
	a.allow(moderator, "*")
}

// allow lets the reports of a city pass that fit the triggers, as its moderator does.
func (a *app) allow(moderator, triggers string) {
	a.Helper()
	a.login(moderator).post("/settings/rules", url.Values{"triggers": {triggers}, "blocked": {""}}, http.StatusOK)
}
