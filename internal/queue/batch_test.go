package queue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
)

// TestBatch publishes four deliveries as one batch. One hangs, one is done, and
// the other two wait, each for its own time.
func TestBatch(t *testing.T) {
	q := mustOpen(t, t.TempDir())
	defer q.Close()
	var ds []report.Delivery
	for _, recipient := range []string{"hangs", "done", "soon", "late"} {
		ds = append(ds, report.NewDelivery(newReport("a"), report.Bot{ID: 7, Network: "toy"}, recipient))
	}
	if err := q.PublishDeliveries(t.Context(), ds); err != nil {
		t.Fatal(err)
	}
	const late = 700 * time.Millisecond
	var began time.Time
	hanging := make(chan *queue.Message[report.Delivery], 4)
	soon, others := make(chan int, 8), make(chan string, 8)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- q.ConsumeDeliveries(ctx, func(m *queue.Message[report.Delivery]) {
			switch recipient := m.Body.Recipient; {
			case recipient == "hangs":
				hanging <- m
			case recipient == "soon" && m.Attempt < 4:
				soon <- m.Attempt
				m.Later(20 * time.Millisecond)
			case recipient == "late" && m.Attempt == 1:
				began = time.Now()
				m.Later(late)
			default:
				others <- fmt.Sprint(recipient, " ", m.Attempt)
				m.Done()
			}
		})
	}()
	h := receive(t, hanging)
	for want := range 3 {
		if attempt := receive(t, soon); attempt != want+1 {
			t.Errorf("attempt %d, want %d", attempt, want+1)
		}
	}
	for _, want := range []string{"done 1", "soon 4"} {
		if got := receive(t, others); got != want {
			t.Errorf("%s came, want %s", got, want)
		}
	}
	// When that one is put back, the whole batch waits in the stream.
	h.Later(50 * time.Millisecond)
	h = receive(t, hanging)
	if h.Attempt != 2 {
		t.Errorf("attempt %d of what hung, want 2", h.Attempt)
	}
	h.Done()
	if got := receive(t, others); got != "late 2" {
		t.Errorf("%s came, want late 2", got)
	}
	if waited := time.Since(began); waited < late {
		t.Errorf("what asked for %s came after %s", late, waited)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		depths, err := q.Depths(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if depths[1].Batches == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still in the queue: %+v", depths[1])
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestStopLosesNothing stops when much has been fetched and little handled.
func TestStopLosesNothing(t *testing.T) {
	q := mustOpen(t, t.TempDir())
	defer q.Close()
	const n = 300
	for i := range n {
		if err := q.PublishReport(t.Context(), newReport(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]bool) // consumers run one after the other
	for len(seen) < n {
		ctx, stop := context.WithTimeout(t.Context(), patience)
		before, handled := len(seen), 0
		consume(t, ctx, q, func(m *queue.Message[report.Report]) {
			m.Done()
			seen[m.Body.ID] = true
			if handled++; handled == 20 || len(seen) == n {
				stop()
			}
		})()
		stop()
		if len(seen) == before {
			t.Fatalf("%d of %d reports came, the others are lost", len(seen), n)
		}
	}
}

// TestStopWithABatchHalfDone stops while somebody works on one message of a
// batch and another waits. Nothing may be handled after that, and the next
// consumer must get them at once.
func TestStopWithABatchHalfDone(t *testing.T) {
	q := mustOpen(t, t.TempDir())
	defer q.Close()
	var ds []report.Delivery
	for _, recipient := range []string{"held", "done", "waits"} {
		ds = append(ds, report.NewDelivery(newReport("a"), report.Bot{ID: 7, Network: "toy"}, recipient))
	}
	if err := q.PublishDeliveries(t.Context(), ds); err != nil {
		t.Fatal(err)
	}
	held, waits := make(chan *queue.Message[report.Delivery], 1), make(chan bool, 100)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- q.ConsumeDeliveries(ctx, func(m *queue.Message[report.Delivery]) {
			switch m.Body.Recipient {
			case "held":
				held <- m
			case "done":
				m.Done()
			default:
				m.Later(time.Millisecond)
				waits <- true
			}
		})
	}()
	h := receive(t, held)
	for range 3 {
		receive(t, waits)
	}
	stop()
	if err := receive(t, ended); err != nil {
		t.Error(err)
	}
	for len(waits) > 0 {
		<-waits
	}
	h.Later(0)
	if len(waits) > 0 {
		t.Error("handled after the end")
	}

	ctx, stop = context.WithCancel(t.Context())
	got := make(chan string, 4)
	go func() {
		ended <- q.ConsumeDeliveries(ctx, func(m *queue.Message[report.Delivery]) { m.Done(); got <- m.Body.Recipient })
	}()
	began := time.Now()
	// The one that was done comes too: only the database remembers that.
	came := map[string]bool{receive(t, got): true, receive(t, got): true, receive(t, got): true}
	if len(came) != 3 {
		t.Errorf("came again: %v", came)
	}
	if waited := time.Since(began); waited > 3*time.Second {
		t.Errorf("they came after %s", waited)
	}
	stop()
	if err := receive(t, ended); err != nil {
		t.Error(err)
	}
}

func TestUnconfirmedComesAgain(t *testing.T) {
	q := mustOpen(t, t.TempDir())
	defer q.Close()
	if err := q.PublishReport(t.Context(), newReport("a")); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	attempts := make(chan int, 4)
	wait := consume(t, ctx, q, func(m *queue.Message[report.Report]) {
		attempts <- m.Attempt
		if m.Attempt == 1 {
			m.Later(10 * time.Millisecond)
			return
		}
		m.Done()
	})
	if a, b := receive(t, attempts), receive(t, attempts); a != 1 || b != 2 {
		t.Errorf("attempts %d, %d; want 1, 2", a, b)
	}
	stop()
	wait()
}
