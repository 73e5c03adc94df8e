package queue

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

func openQueue(t *testing.T) *Queue {
	t.Helper()
	q, err := Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

// publishEach publishes n deliveries, each as a batch of its own. The ids of
// their cities are 0 to n-1.
func publishEach(t *testing.T, q *Queue, n int) {
	t.Helper()
	for i := range n {
		d := report.NewDelivery(report.Report{ID: fmt.Sprint(i)}, report.Bot{ID: 7, Network: "toy", CityID: int64(i)}, "")
		if err := q.PublishDeliveries(t.Context(), []report.Delivery{d}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSweepDelaysNothing sweeps all the time while batches come and go, since a
// purge makes the server forget what it is about to hand out again.
func TestSweepDelaysNothing(t *testing.T) {
	slow.Test(t, "measures times")
	q := openQueue(t)
	q.sweepEvery = 10 * time.Millisecond
	const n, waves, every = 2000, 8, 150 * time.Millisecond
	publishEach(t, q, n)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var mu sync.Mutex
	due := make(map[string]time.Time)
	var latest time.Duration
	done := 0
	err := q.ConsumeDeliveries(ctx, func(m *Message[report.Delivery]) {
		mu.Lock()
		defer mu.Unlock()
		id, now := m.Body.ID, time.Now()
		if at, ok := due[id]; ok {
			latest = max(latest, now.Sub(at))
		}
		// They come in waves, so that many are about to be handed out when a
		// sweep comes. At the end of each wave some more are done, the first
		// ones first, so that there is something to sweep.
		if m.Attempt < waves && m.Body.CityID >= int64(m.Attempt*n/waves) {
			due[id] = now.Truncate(every).Add(every)
			m.Later(time.Until(due[id]))
			return
		}
		m.Done()
		if done++; done == n {
			stop()
		}
	})
	if err != nil || done < n {
		t.Fatalf("%d of %d were done: %v", done, n, err)
	}
	if latest > ackWait/2 {
		t.Errorf("one came %s late", latest)
	}
	t.Logf("at most %s late", latest)
}

// TestHandedOutTwice makes the server hand out a batch that is being worked on,
// as it does when the machine stood still for longer than ackWait.
func TestHandedOutTwice(t *testing.T) {
	q := openQueue(t)
	publish := func(id string) {
		if err := q.PublishMail(t.Context(), mailer.Mail{From: id}); err != nil {
			t.Fatal(err)
		}
	}
	publish("first")
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var held *Message[mailer.Mail]
	var back time.Time
	var got []string
	err := q.ConsumeMails(ctx, func(m *Message[mailer.Mail]) {
		got = append(got, fmt.Sprint(m.Body.From, m.Attempt))
		switch {
		case held == nil:
			held = m
			if err := q.conn.Publish(m.batch.msg.Reply(), []byte(nak)); err != nil {
				t.Error(err)
			}
			publish("second")
		case m.Body.From == "second":
			m.Done()
			held.Later(0)
			back = time.Now()
		default:
			if late := time.Since(back); late > ackWait/2 {
				t.Errorf("what was put back came %s later", late)
			}
			m.Done()
			stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first1", "second1", "first2"}, got); diff != "" {
		t.Error(diff)
	}
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		d, err := q.depth(t.Context(), mails)
		if err != nil {
			t.Fatal(err)
		}
		if d.Batches == 0 {
			break
		}
		if time.Since(begin) > ackWait {
			t.Fatalf("%d batches are still to do", d.Batches)
		}
	}
}

// TestReadingGoesOn reads while the machine has more to do than it has
// processors. Reading must not stand still: see heartbeat. The race detector
// makes it far likelier that Consume stops asking.
func TestReadingGoesOn(t *testing.T) {
	slow.Test(t, "measures times")
	q := openQueue(t)
	q.fetch = 1
	const n = 4000
	publishEach(t, q, n)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	// More threads than processors: the kernel interrupts a thread in the
	// middle of its work.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8 * runtime.NumCPU()))
	for range 3 * runtime.NumCPU() {
		go func() {
			for ctx.Err() == nil {
				for range 100_000 {
				}
			}
		}()
	}
	var pause time.Duration
	done, last := 0, time.Now()
	err := q.ConsumeDeliveries(ctx, func(m *Message[report.Delivery]) {
		pause, last = max(pause, time.Since(last)), time.Now()
		m.Done()
		// One pause is enough to show how long they are.
		if done++; done == n || pause > heartbeat {
			stop()
		}
	})
	if err != nil || done == 0 {
		t.Fatalf("%d of %d were done: %v", done, n, err)
	}
	if pause > ackWait {
		t.Errorf("reading stood still for %s", pause)
	}
	t.Logf("at most %s passed between two, %d were read", pause, done)
}
