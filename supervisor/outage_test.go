package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// way is the way of a network, which can be away.
type way struct {
	mu     sync.Mutex
	back   chan struct{} // nil: it is not
	all    bool
	mended bool         // the next trial ends it
	tries  atomic.Int32 // while it was
	sent   tally
}

func (w *way) goAway(all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.back, w.all = make(chan struct{}), all
}

// comeBack ends it.
func (w *way) comeBack() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.back)
	w.back = nil
}

// mend has the next trial be taken, which nobody knows before.
func (w *way) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mended = true
}

func (w *way) send(_ context.Context, d report.Delivery) (report.Receipt, error) {
	w.mu.Lock()
	if w.mended && w.back != nil {
		close(w.back)
		w.back = nil
	}
	back, all := w.back, w.all
	w.mu.Unlock()
	if back != nil && (all || d.Recipient%2 == 0) {
		w.tries.Add(1)
		return report.Receipt{}, bots.Away(bots.Outage{Back: back, All: all}, bots.Say(errors.New("away"), "toy.blocked"))
	}
	w.sent.add(d)
	return report.Receipt{}, nil
}

// lineCounter counts the lines of a log.
type lineCounter struct{ atomic.Int32 }

func (l *lineCounter) Write(b []byte) (int, error) {
	l.Add(1)
	return len(b), nil
}

// TestOutageOfAll has the way of all bots be away while thousands of deliveries wait:
// few of them try, none is lost, what expires meanwhile is counted, and all go on at
// once at the end.
func TestOutageOfAll(t *testing.T) {
	r := newRig(t)
	var w way
	var lines lineCounter
	r.log = slog.NewTextHandler(&lines, nil)
	var all []report.Bot
	for i := range 20 {
		all = append(all, r.city(fmt.Sprintf("city%d", i)))
	}
	w.goAway(true)
	r.start(&toy{workers: 8, send: w.send})
	r.publishTo(all[0], "old", crowd(500)...)
	r.waitFor("a trial", func() bool { return w.tries.Load() > 0 })
	r.waitForState(all[0], report.BotTrouble)
	r.advance(90 * time.Minute)
	for i, b := range all {
		r.publishTo(b, fmt.Sprint("r", i), crowd(500)...)
	}
	for _, b := range all {
		r.waitForState(b, report.BotTrouble)
	}
	if n := w.tries.Load(); n > 20*20 {
		t.Errorf("%d of %d deliveries tried", n, 21*500)
	}
	r.advance(40 * time.Minute) // the first report is too old by now
	w.comeBack()
	for i, b := range all {
		r.waitForCounts(fmt.Sprint("r", i), db.Counts{Sent: 500})
		if n, most := w.sent.of(fmt.Sprint("r", i)); n != 500 || most != 1 {
			t.Errorf("city %d: sent to %d, to one of them %d times", i, n, most)
		}
		r.waitForState(b, report.BotRunning)
	}
	r.waitForCounts("old", db.Counts{Expired: 500})
	r.waitForEmptyQueue()
	if n := lines.Load(); n > 10 {
		t.Errorf("%d lines in the operator's log", n)
	}
}

// startAway runs a bot whose way is away, for all recipients or for half of them.
func startAway(t *testing.T, all bool) (*rig, report.Bot, *way) {
	t.Helper()
	r, w := newRig(t), &way{}
	b := r.city("city")
	w.goAway(all)
	r.start(&toy{workers: 8, send: w.send})
	return r, b, w
}

// TestNewReportIsATrial has the way be back without anybody knowing: the next report
// is tried at once.
func TestNewReportIsATrial(t *testing.T) {
	r, b, w := startAway(t, true)
	r.publishTo(b, "r1", crowd(200)...)
	r.waitFor("a trial", func() bool { return w.tries.Load() > 0 })
	r.waitForState(b, report.BotTrouble)
	before := w.tries.Load()
	r.publishTo(b, "r2", crowd(200)...)
	r.waitFor("another trial", func() bool { return w.tries.Load() > before })
}

// TestTrialsAreMade has nothing new come while the way is away: one delivery tries now
// and then.
func TestTrialsAreMade(t *testing.T) {
	slow.Test(t, "waits for trials")
	r, b, w := startAway(t, true)
	r.publishTo(b, "r1", crowd(200)...)
	r.waitForState(b, report.BotTrouble)
	before := w.tries.Load()
	time.Sleep(8 * time.Second)
	if n := w.tries.Load() - before; n < 1 || n > 4 {
		t.Errorf("%d trials in 8 s", n)
	}
	w.comeBack()
	r.waitForCounts("r1", db.Counts{Sent: 200})
}

// TestOutageOfSome has half of the recipients be out of reach: the others get their
// reports, and these get them as soon as that ends, however often they were tried.
func TestOutageOfSome(t *testing.T) {
	slow.Test(t, "waits for an outage to be told")
	r, b, w := startAway(t, false)
	r.publishTo(b, "r1", crowd(1000)...)
	r.waitForCounts("r1", db.Counts{Sent: 500})
	r.waitFor("the others to be put off", func() bool { return w.tries.Load() >= 500 })
	began := time.Now()
	w.comeBack()
	r.waitForCounts("r1", db.Counts{Sent: 1000})
	// What was just being put off when it ended is tried ten seconds later.
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("took %s", took)
	}
	r.waitForEmptyQueue()
}

// TestStopWhileAway stops the program while deliveries wait for their way, and starts
// it again.
func TestStopWhileAway(t *testing.T) {
	r, b, w := startAway(t, true)
	r.publishTo(b, "r1", crowd(300)...)
	r.waitForState(b, report.BotTrouble)
	if took := r.stop(); took > 2*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	w.comeBack()
	r.start(&toy{workers: 8, send: w.send})
	r.waitForCounts("r1", db.Counts{Sent: 300})
	r.waitForState(b, report.BotRunning)
}

// TestSmallCityBesideALargeOne has a city with one recipient send while another has
// thousands.
func TestSmallCityBesideALargeOne(t *testing.T) {
	r := newRig(t)
	large, small := r.city("large"), r.city("small")
	var sent tally
	r.start(&toy{workers: 8, send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		time.Sleep(5 * time.Millisecond)
		sent.add(d)
		return report.Receipt{}, nil
	}})
	r.publishTo(large, "large", crowd(5000)...)
	r.waitFor("the large one to begin", func() bool { n, _ := sent.of("large"); return n > 20 })
	began := time.Now()
	r.publishTo(small, "small", 1)
	r.waitForCounts("small", db.Counts{Sent: 1})
	n, _ := sent.of("large")
	if took := time.Since(began); took > time.Second || n == 5000 {
		t.Errorf("took %s, and %d of the large one were sent", took, n)
	}
}

// TestOneReportWaits has a report be refused wherever it goes while others pass, by the
// same author too: it is
// tried by few of its deliveries, costs the others nothing, and goes on at the end.
func TestOneReportWaits(t *testing.T) {
	r := newRig(t)
	b := r.city("city")
	back := make(chan struct{})
	var tried atomic.Int32
	var sent tally
	r.start(&toy{workers: 8, send: func(_ context.Context, d report.Delivery) (report.Receipt, error) {
		if d.Report.ID == "refused" && !isClosed(back) {
			tried.Add(1)
			return report.Receipt{}, bots.Away(bots.Outage{Back: back, Report: true}, bots.Say(errors.New("refused"), "toy.blocked"))
		}
		sent.add(d)
		return report.Receipt{}, nil
	}})
	r.publishOf("anna", b, "refused", crowd(3000)...)
	r.waitFor("it to be tried", func() bool { return tried.Load() > 0 })
	for i := range 3 {
		r.publishOf("anna", b, fmt.Sprint("fine", i), crowd(500)...)
		r.waitForCounts(fmt.Sprint("fine", i), db.Counts{Sent: 500})
	}
	if n := tried.Load(); n > 2*3000/db.FanoutSize {
		t.Errorf("%d deliveries of it were tried", n)
	}
	r.waitForState(b, report.BotRunning)
	close(back)
	r.waitForCounts("refused", db.Counts{Sent: 3000})
	if n, most := sent.of("refused"); n != 3000 || most != 1 {
		t.Errorf("sent to %d, to one of them %d times", n, most)
	}
	r.waitForEmptyQueue()
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// TestTrialsTakeTurns has three reports wait for their way: the newest is tried first,
// then the others, and then the newest once more.
func TestTrialsTakeTurns(t *testing.T) {
	slow.Test(t, "waits for trials")
	r := newRig(t)
	b := r.city("city")
	var w way
	w.goAway(true)
	var mu sync.Mutex
	var order []string
	r.start(&toy{workers: 1, send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		mu.Lock()
		order = append(order, d.Report.ID)
		mu.Unlock()
		return w.send(ctx, d)
	}})
	for i, name := range []string{"old", "newer", "newest"} {
		r.publishTo(b, name, crowd(200)...)
		r.waitFor("a trial of "+name, func() bool { return w.tries.Load() > int32(i) })
	}
	r.waitForState(b, report.BotTrouble)
	r.waitFor("trials", func() bool { return w.tries.Load() >= 6 })
	w.comeBack()
	r.waitForCounts("old", db.Counts{Sent: 200})
	mu.Lock()
	defer mu.Unlock()
	seen := make(map[string]bool)
	for _, name := range order[3:6] {
		seen[name] = true
	}
	if len(seen) != 3 {
		t.Errorf("tried in this order: %v", order[:6])
	}
}

// TestTrialsBesideOneThatHangs has a trial wait for a server that says nothing: others
// try meanwhile.
func TestTrialsBesideOneThatHangs(t *testing.T) {
	slow.Test(t, "waits for trials")
	r := newRig(t)
	b := r.city("city")
	var w way
	w.goAway(true)
	var hangs atomic.Bool
	hung, release := make(chan struct{}, 10), make(chan struct{})
	r.start(&toy{workers: 8, send: func(ctx context.Context, d report.Delivery) (report.Receipt, error) {
		if hangs.CompareAndSwap(true, false) {
			hung <- struct{}{}
			<-release
		}
		return w.send(ctx, d)
	}})
	r.publishTo(b, "r1", crowd(200)...)
	r.waitForState(b, report.BotTrouble)
	hangs.Store(true)
	<-hung
	w.mend()
	began := time.Now()
	r.waitFor("the others", func() bool { n, _ := w.sent.of("r1"); return n >= 199 })
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("took %s", took)
	}
	close(release)
	r.waitForCounts("r1", db.Counts{Sent: 200})
}
