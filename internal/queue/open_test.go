package queue_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ticketfrei/internal/queue"
	"ticketfrei/internal/slow"
)

func TestUnusableDirectory(t *testing.T) {
	q, err := queue.Open(t.Context(), "/dev/null/queue", slog.New(slog.DiscardHandler))
	if err == nil {
		q.Close()
		t.Fatal("opened")
	}
}

// TestQueueOfAnOlderVersion has streams that NATS cannot turn into today's.
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
	free chan struct{} // when closed, it does
}

func (h hangsAt) Enabled(context.Context, slog.Level) bool { return true }

func (h hangsAt) Handle(_ context.Context, rec slog.Record) error {
	if strings.Contains(rec.Message, h.line) {
		<-h.free
	}
	return nil
}

// TestCloseDoesNotHang has a server that hangs when it stops. It does so after
// a purge on a full disk, waiting for a lock that it holds itself.
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
