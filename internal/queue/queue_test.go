package queue_test

import (
	"context"
	"errors"
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
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ticketfrei/internal/mailer"
	"ticketfrei/internal/queue"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// patience is how long a test waits for what must come.
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

// consume collects reports and does with each what decide says, until ctx ends.
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

// TestReportsAtTheSameTime publishes from many goroutines: all are stored, and
// each is handed out once.
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

// TestBatch publishes four deliveries as one batch. One hangs, one is done, and
// the waits of the other two are their own.
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
	// With that put back the whole batch waits in the stream.
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

// TestStopLosesNothing stops while much has been fetched and little handled.
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

// TestStopWithABatchHalfDone stops while one message of a batch is in somebody's
// hands and another waits: nothing is handled any more, and with the next
// consumer they come again at once.
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
	// What was done of it comes too: only the database remembers that.
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

// TestDoneIsGone confirms all messages but one: after a restart that one and
// nothing else comes again, and the files of the queue become small.
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

// TestHeldMessageIsNotHandedOutAgain holds a message for longer than the queue
// waits for a sign of life.
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
	for range 2 { // the second time changes nothing
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

func TestUnusableDirectory(t *testing.T) {
	q, err := queue.Open(t.Context(), "/dev/null/queue", slog.New(slog.DiscardHandler))
	if err == nil {
		q.Close()
		t.Fatal("opened")
	}
}

// TestQueueOfAnOlderVersion has the streams that versions before the sweep made:
// NATS cannot turn them into others.
func TestQueueOfAnOlderVersion(t *testing.T) {
	dir := t.TempDir()
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, JetStream: true, StoreDir: dir, NoSystemAccount: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	defer srv.Shutdown()
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "REPORTS", Subjects: []string{"report.>"}, Retention: jetstream.WorkQueuePolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	srv.Shutdown()
	srv.WaitForShutdown()

	_, err = queue.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	for _, want := range []string{dir, "another version", "delete the directory"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// hangsAt is a log that does not come back from a line.
type hangsAt struct {
	slog.Handler
	line string
	free chan struct{} // closed: it does
}

func (h hangsAt) Enabled(context.Context, slog.Level) bool { return true }

func (h hangsAt) Handle(_ context.Context, rec slog.Record) error {
	if strings.Contains(rec.Message, h.line) {
		<-h.free
	}
	return nil
}

// TestCloseDoesNotHang has a server that hangs as it stops, as it does after a
// purge on a full disk: it waits for a lock that it holds itself.
func TestCloseDoesNotHang(t *testing.T) {
	slow.Test(t, "waits for what does not end")
	h := hangsAt{slog.DiscardHandler, "Initiating Shutdown", make(chan struct{})}
	q, err := queue.Open(t.Context(), t.TempDir(), slog.New(h))
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Close(); !errors.Is(err, queue.ErrHangs) {
		t.Errorf("a server that hangs was closed with error %v", err)
	}
	close(h.free)
}
