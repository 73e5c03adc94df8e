package supervisor_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// bells wake the bots of a toy that rest.
type bells struct {
	mu       sync.Mutex
	of       map[int64]func()
	received map[int64]int
}

// receive is that of a bot that rests whenever it is called.
func (l *bells) receive(ctx context.Context, b report.Bot, _ func(context.Context, bots.Incoming) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of, l.received = map[int64]func(){}, map[int64]int{}
	}
	l.received[b.ID]++
	if ctx.Err() != nil {
		delete(l.of, b.ID)
		return ctx.Err()
	}
	l.of[b.ID] = bots.Waker(ctx)
	return bots.Rest{Until: time.Now().Add(time.Hour)}
}

// at returns how often a bot has received, and whether it listens.
func (l *bells) at(b report.Bot) (received int, listens bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.received[b.ID], l.of[b.ID] != nil
}

func (l *bells) ring(b report.Bot) {
	l.mu.Lock()
	wake := l.of[b.ID]
	l.mu.Unlock()
	wake()
}

// A bot that rests receives again at each call, is the same as before, sends meanwhile, and
// lets go of what it has when it is stopped.
func TestBotRests(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var l bells
	sent := make(chan string, 1)
	network := &toy{receive: l.receive, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		sent <- d.Report.ID
		return report.Receipt{}, nil
	}}
	r.start(network)
	r.waitForState(b, report.BotRunning)
	for i := range 20 {
		r.waitFor("rest", func() bool { received, listens := l.at(b); return received > i && listens })
		l.ring(b)
	}
	r.publish(b, "report", "anna")
	if id := receive(t, "a delivery", sent); id != "report" {
		t.Errorf("sent %q", id)
	}
	r.waitForCounts("report", db.Counts{Sent: 1})
	if took := r.stop(); took > 2*time.Second {
		t.Errorf("took %v to stop", took)
	}
	if _, listens := l.at(b); listens {
		t.Error("still waits to be called")
	}
	if n := network.made[b.ID]; n != 1 {
		t.Errorf("made %d times", n)
	}
}

// A call that comes while the bot still receives is not lost, and neither is what it was to
// do at a time.
func TestCallsBeforeARest(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	received := make(chan int, 100)
	n := 0
	r.start(&toy{receive: func(ctx context.Context, _ report.Bot, _ func(context.Context, bots.Incoming) error) error {
		n++
		received <- n
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if n < 10 {
			bots.Waker(ctx)()
		}
		until := time.Hour
		if n < 20 {
			until = time.Millisecond
		}
		return bots.Rest{Until: time.Now().Add(until)}
	}})
	for want := range 20 {
		if got := receive(t, "Receive", received); got != want+1 {
			t.Fatalf("received %d times, not %d", got, want+1)
		}
	}
	r.waitForState(b, report.BotRunning)
	r.stop()
}

// A login is checked once more where Send was refused, also while the bot rests.
func TestLoginOfABotThatRestsIsDoubted(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var l bells
	refused := bots.Refused(bots.Say(nil, "toy.blocked"))
	var mu sync.Mutex
	valid := true
	check := func() error {
		mu.Lock()
		defer mu.Unlock()
		if valid {
			return nil
		}
		return refused
	}
	r.start(&toy{receive: l.receive, check: func(report.Bot) error { return check() },
		send: func(context.Context, report.Delivery) (report.Receipt, error) { return report.Receipt{}, check() }})
	r.waitForState(b, report.BotRunning)
	r.waitFor("rest", func() bool { _, listens := l.at(b); return listens })
	mu.Lock()
	valid = false
	mu.Unlock()
	r.publish(b, "report", "anna")
	r.waitForState(b, report.BotAttention)
	if _, listens := l.at(b); listens {
		t.Error("the former session was not ended")
	}
	mu.Lock()
	valid = true
	mu.Unlock()
	r.waitForState(b, report.BotRunning)
	r.waitForCounts("report", db.Counts{Sent: 1})
	r.waitFor("rest", func() bool { _, listens := l.at(b); return listens })
}

// A bot that fails when it is called is made again.
func TestFailureAfterARest(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var l bells
	var mu sync.Mutex
	fails := []bool{false, true, false, true}
	network := &toy{receive: func(ctx context.Context, b report.Bot, emit func(context.Context, bots.Incoming) error) error {
		mu.Lock()
		fail := len(fails) > 0 && fails[0]
		fails = fails[min(1, len(fails)):]
		mu.Unlock()
		if fail {
			panic("at a call")
		}
		return l.receive(ctx, b, emit)
	}}
	r.start(network)
	for want := range 2 {
		r.waitFor("rest", func() bool { received, _ := l.at(b); return received > want })
		l.ring(b)
	}
	r.waitFor("rest", func() bool { received, _ := l.at(b); return received > 2 })
	network.mu.Lock()
	defer network.mu.Unlock()
	if n := network.made[b.ID]; n != 3 {
		t.Errorf("made %d times", n)
	}
}

// A bot that is changed while it rests stops before the next one begins.
func TestBotThatRestsIsReplaced(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	var mu sync.Mutex
	var events []string
	note := func(event string) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, event)
	}
	seen := func(n int) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return len(events) == n }
	}
	r.start(&toy{receive: func(ctx context.Context, b report.Bot, _ func(context.Context, bots.Incoming) error) error {
		if ctx.Err() != nil {
			note(fmt.Sprint("end ", b.Version))
			return ctx.Err()
		}
		note(fmt.Sprint("begin ", b.Version))
		return bots.Rest{Until: time.Now().Add(time.Hour)}
	}})
	r.waitFor("rest", seen(1))
	if err := r.db.EnableBot(t.Context(), b.ID, false); err != nil {
		t.Fatal(err)
	}
	r.notices.Changed(b.CityID)
	r.waitFor("end", seen(2))
	if err := r.db.EnableBot(t.Context(), b.ID, true); err != nil {
		t.Fatal(err)
	}
	r.notices.Changed(b.CityID)
	r.waitFor("rest again", seen(3))
	r.stop()
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(events)
	if len(events) != 4 {
		t.Errorf("events: %q", events)
	}
}

// Bots that rest keep no goroutine, and little memory: thousands of cities have some.
func TestBotsThatRestCostLittle(t *testing.T) {
	slow.Test(t, "makes hundreds of cities")
	const count, most = 500, 6 << 10 // bytes for each; the stack of one that waits is 8 kB
	r := newRig(t)
	for i := range count {
		r.city(fmt.Sprintf("city%d", i))
	}
	var l bells
	l.of, l.received = make(map[int64]func(), count), make(map[int64]int, count)
	used := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // which frees what the first has found
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.StackInuse)
	}
	goroutines, before := runtime.NumGoroutine(), used()
	r.start(&toy{receive: l.receive})
	r.waitFor("all running", func() bool {
		list, err := r.db.EnabledBots(t.Context())
		return err == nil && !slices.ContainsFunc(list, func(b report.Bot) bool { return b.State != report.BotRunning })
	})
	few := func() bool { return runtime.NumGoroutine() < goroutines+count/10 }
	r.waitFor("rest of all", few)
	if each := (used() - before) / count; each > most {
		t.Errorf("%d bytes a bot, want at most %d", each, most)
	}
}
