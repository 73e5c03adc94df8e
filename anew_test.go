package main

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"ticketfrei/config"
)

// TestServerLeavesNothingBehind ends servers by a failure of their own, as one
// whose queue broke does: what starts anew in the same process must not find
// the memory and the goroutines of the former still there.
func TestServerLeavesNothingBehind(t *testing.T) {
	definitions := networkDefinitions()
	cfg, err := config.Load(config.Source{Defaults: defaults, Sections: sections(definitions)})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Data = t.TempDir()
	cfg.Web.Listen, cfg.Mail.Listen = "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithCancel(context.Background()) // of the process
	defer cancel()
	// once runs a server and returns what is closed when its site is collected.
	once := func() <-chan struct{} {
		s, err := newServer(ctx, cfg, definitions, slog.New(slog.DiscardHandler), false)
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
