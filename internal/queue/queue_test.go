package queue_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/mailer"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// patience is how long a test waits for something that must come.
const patience = 20 * time.Second

func mustOpen(tb testing.TB, dir string) *queue.Queue {
	tb.Helper()
	q, err := queue.Open(tb.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return q
}

func newReport(id string) report.Report {
	return report.Report{ID: id, CityID: 3, Network: "toy", Text: "Plärrer, 2 Kontis", Time: time.Unix(1700000000, 0).UTC()}
}

// consume calls handle for every report until ctx ends.
func consume(tb testing.TB, ctx context.Context, q *queue.Queue, handle func(*queue.Message[report.Report])) (wait func()) {
	tb.Helper()
	done := make(chan error, 1)
	go func() { done <- q.ConsumeReports(ctx, handle) }()
	return func() {
		if err := <-done; err != nil {
			tb.Error(err)
		}
	}
}

func receive[T any](tb testing.TB, ch <-chan T) T {
	tb.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		tb.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestReportSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	q := mustOpen(t, dir)
	want := newReport("a")
	if err := q.PublishReport(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	q.Close()

	q = mustOpen(t, dir)
	defer q.Close()
	ctx, stop := context.WithCancel(t.Context())
	got := make(chan report.Report, 1)
	wait := consume(t, ctx, q, func(m *queue.Message[report.Report]) { m.Done(); got <- m.Body })
	if diff := cmp.Diff(want, receive(t, got)); diff != "" {
		t.Error(diff)
	}
	stop()
	wait()
}

func TestDepths(t *testing.T) {
	q := mustOpen(t, t.TempDir())
	defer q.Close()
	for _, id := range []string{"a", "b"} {
		if err := q.PublishReport(t.Context(), newReport(id)); err != nil {
			t.Fatal(err)
		}
	}
	depths, err := q.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if depths[0].Stream != "reports" || depths[0].Batches != 2 || time.Since(depths[0].Oldest) > time.Minute {
		t.Errorf("depth = %+v, want 2 batches of now", depths[0])
	}
	if depths[1].Stream != "deliveries" || depths[1].Batches != 0 || !depths[1].Oldest.IsZero() {
		t.Errorf("depth = %+v, want none", depths[1])
	}
}

// TestReportsAtTheSameTime publishes from many goroutines. All reports must be
// stored, and each handed out once.
func TestReportsAtTheSameTime(t *testing.T) {
	q := mustOpen(t, t.TempDir())
	defer q.Close()
	const n = 300
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if err := q.PublishReport(t.Context(), newReport(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	depths, err := q.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if depths[0].Batches >= n {
		t.Errorf("%d batches of %d reports: none shared one", depths[0].Batches, n)
	}
	ctx, stop := context.WithCancel(t.Context())
	got := make(chan string, 2*n)
	wait := consume(t, ctx, q, func(m *queue.Message[report.Report]) { m.Done(); got <- m.Body.ID })
	seen := make(map[string]bool)
	for range n {
		seen[receive(t, got)] = true
	}
	stop()
	wait()
	if len(seen) != n || len(got) != 0 {
		t.Errorf("%d of %d came, %d twice", len(seen), n, len(got))
	}
}

// TestDoneIsGone confirms all messages but one. After a restart only that one
// comes again, and the files of the queue shrink.
func TestDoneIsGone(t *testing.T) {
	slow.Test(t, "waits until files are deleted")
	dir := t.TempDir()
	q := mustOpen(t, dir)
	const n = 500
	for i := range n {
		r := newReport(fmt.Sprint(i))
		r.Text = strings.Repeat("Plärrer ", 500)
		if err := q.PublishReport(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	got := make(chan string, n)
	wait := consume(t, ctx, q, func(m *queue.Message[report.Report]) {
		if m.Attempt == 1 {
			got <- m.Body.ID
		}
		if m.Body.ID == "490" {
			m.Later(50 * time.Millisecond)
		} else {
			m.Done()
		}
	})
	for range n {
		receive(t, got)
	}
	deadline := time.Now().Add(patience)
	for size := dirSize(t, dir); size > 1<<20; size = dirSize(t, dir) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are kept of messages that are done", size)
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	wait()
	q.Close()

	q = mustOpen(t, dir)
	defer q.Close()
	if err := q.PublishReport(t.Context(), newReport("new")); err != nil {
		t.Fatal(err)
	}
	ctx, stop = context.WithCancel(t.Context())
	again := make(chan string, n)
	wait = consume(t, ctx, q, func(m *queue.Message[report.Report]) { m.Done(); again <- m.Body.ID })
	came := []string{receive(t, again), receive(t, again)}
	slices.Sort(came)
	if diff := cmp.Diff([]string{"490", "new"}, came); diff != "" {
		t.Error(diff)
	}
	stop()
	wait()
}

func dirSize(tb testing.TB, dir string) (size int64) {
	tb.Helper()
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // deleted in the meantime
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}

// TestHeldMessageIsNotHandedOutAgain works on a message for longer than the
// queue waits for a sign of life.
func TestHeldMessageIsNotHandedOutAgain(t *testing.T) {
	slow.Test(t, "waits longer than the queue does")
	t.Parallel()
	q := mustOpen(t, t.TempDir())
	defer q.Close()
	if err := q.PublishReport(t.Context(), newReport("a")); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	got := make(chan *queue.Message[report.Report], 4)
	wait := consume(t, ctx, q, func(m *queue.Message[report.Report]) { got <- m })
	m := receive(t, got)
	select {
	case again := <-got:
		t.Errorf("handed out again, attempt %d", again.Attempt)
	case <-time.After(7 * time.Second):
	}
	m.Done()
	stop()
	wait()
}

func TestDeliveries(t *testing.T) {
	q := mustOpen(t, t.TempDir())
	defer q.Close()
	const n = 2500 // more than fit in flight at once
	var ds []report.Delivery
	for i := range n {
		ds = append(ds, report.NewDelivery(newReport("a"), report.Bot{ID: 7, Network: "toy"}, fmt.Sprint("r", i)))
	}
	for range 2 { // the second time must change nothing
		if err := q.PublishDeliveries(t.Context(), ds); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	got := make(chan report.Delivery, n)
	done := make(chan error, 1)
	go func() {
		done <- q.ConsumeDeliveries(ctx, func(m *queue.Message[report.Delivery]) { m.Done(); got <- m.Body })
	}()
	for i := range n {
		if diff := cmp.Diff(ds[i], receive(t, got)); diff != "" {
			t.Fatal(diff)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	select {
	case d := <-got:
		t.Errorf("one more: %+v", d)
	default:
	}
}

func TestAccountMails(t *testing.T) {
	q := mustOpen(t, t.TempDir())
	defer q.Close()
	want := mailer.Mail{From: "a@example.org", To: "b@example.org", Data: []byte("Subject: x\r\n\r\n")}
	for range 2 { // two mails that are alike are two mails
		if err := q.PublishMail(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	got := make(chan mailer.Mail, 2)
	done := make(chan error, 1)
	go func() {
		done <- q.ConsumeMails(ctx, func(m *queue.Message[mailer.Mail]) { m.Done(); got <- m.Body })
	}()
	for range 2 {
		if diff := cmp.Diff(want, receive(t, got)); diff != "" {
			t.Error(diff)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
