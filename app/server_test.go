package app

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"ticketfrei/bots/all"
)

// TestServerLeavesNothingBehind ends servers with a failure of their own. Neither
// memory nor goroutines of them may be left: a process that wants to end does.
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
		s.close()
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
