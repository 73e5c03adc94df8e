package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/bots/all"
)

// TestServerLeavesNothingBehind ends servers with a failure of their own, such
// as a broken queue. When the process then starts another server, neither
// memory nor goroutines of the first may be left.
func TestServerLeavesNothingBehind(t *testing.T) {
	definitions := all.Networks()
	cfg := testConfig(t, t.TempDir(), definitions)
	ctx, cancel := context.WithCancel(context.Background()) // of the process
	defer cancel()
	// once runs a server and returns a channel that is closed when the server's
	// site has been garbage-collected.
	once := func() <-chan struct{} {
		s, err := newServer(ctx, cfg, definitions, slog.New(slog.DiscardHandler), mode{})
		if err != nil {
			t.Fatal(err)
		}
		collected := make(chan struct{})
		runtime.AddCleanup(s.site, func(c chan struct{}) { close(c) }, collected)
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx) }()
		s.web.Close()
		if err := <-ended; err == nil {
			t.Error("a server without its port runs")
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
		return collected
	}
	once()
	before := runtime.NumGoroutine()
	for range 3 {
		collected := once()
		waitUntil(t, "the former server's memory to be free", func() bool {
			runtime.GC()
			select {
			case <-collected:
				return true
			default:
				return false
			}
		})
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// TestReplaceProcess runs itself as a process that replaces itself once.
func TestReplaceProcess(t *testing.T) {
	const place = "TEST_REPLACE_PROCESS" // a file that the first life makes
	if mark := os.Getenv(place); mark != "" {
		if _, err := os.Stat(mark); err == nil {
			fmt.Printf("second life %d\n", os.Getpid())
			return
		}
		if err := os.WriteFile(mark, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("first life %d\n", os.Getpid())
		t.Fatal(replaceProcess())
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReplaceProcess$")
	cmd.Env = append(os.Environ(), place+"="+filepath.Join(t.TempDir(), "mark"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := fmt.Sprintf("first life %[1]d\nsecond life %[1]d\n", cmd.Process.Pid)
	if !strings.HasPrefix(string(out), want) {
		t.Errorf("it said %q, want %q", out, want)
	}
}

// TestOpenAgainKeepsTrying opens a server while another program holds its port
// for a while.
func TestOpenAgainKeepsTrying(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	definitions := all.Networks()
	cfg := testConfig(t, t.TempDir(), definitions)
	cfg.Web.Listen = other.Addr().String()
	log := newWatchedLog("trying again")
	opened := make(chan *server, 1)
	go func() {
		s, err := openAgain(t.Context(), cfg, definitions, slog.New(slog.NewTextHandler(log, nil)), mode{})
		if err != nil {
			t.Error(err)
		}
		opened <- s
	}()
	select {
	case <-log.seen:
	case <-time.After(patience):
		t.Fatal("it does not say that it failed")
	}
	other.Close()
	select {
	case s := <-opened:
		if err := s.close(); err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it does not start when the port is free again")
	}
}

// watchedLog closes seen when a text is written to it.
type watchedLog struct {
	text string
	seen chan struct{}
	once sync.Once
}

func newWatchedLog(text string) *watchedLog {
	return &watchedLog{text: text, seen: make(chan struct{})}
}

func (w *watchedLog) Write(line []byte) (int, error) {
	if strings.Contains(string(line), w.text) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(line), nil
}
