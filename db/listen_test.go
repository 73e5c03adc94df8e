package db_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/notice"
)

type connecting = func(context.Context) (*pgx.Conn, error)

// connector returns what connects to a database of the test's own.
func connector(t *testing.T) connecting {
	t.Helper()
	if !dbtest.OnServer() {
		t.Skip("of PostgreSQL alone: install it, and give the URL of a server in " + dbtest.ServerVariable)
	}
	return dbtest.MustOpen(t, time.Now, nil).Connect
}

// query returns one number that a query of its own connection has.
func query(t *testing.T, connect connecting, statement string) (n int) {
	t.Helper()
	conn, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), statement).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// process is what one process says and hears.
type process struct {
	board notice.Board
	wire  *db.Wire
	told  chan notice.Notice
}

// startProcess starts the wire of a process, and waits until it hears what others say.
func startProcess(t *testing.T, connect connecting) *process {
	t.Helper()
	p := &process{told: make(chan notice.Notice, 1000)}
	t.Cleanup(p.board.OnElsewhere(func(n notice.Notice) { p.told <- n }))
	p.wire = db.NewWire(connect, &p.board, slog.New(slog.NewTextHandler(t.Output(), nil)))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.wire.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	p.waitAll(t)
	return p
}

// await returns the next thing that is told that is not about everything.
func (p *process) await(t *testing.T) notice.Notice {
	t.Helper()
	for {
		select {
		case n := <-p.told:
			if n.ID != notice.All && n.Kind != notice.Heard {
				return n
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing is told")
		}
	}
}

// waitAll waits until everything is to be looked at.
func (p *process) waitAll(t *testing.T) {
	t.Helper()
	for {
		select {
		case n := <-p.told:
			if n.Kind == notice.Heard && n.ID == db.Shards-1 {
				return
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing is looked at")
		}
	}
}

func TestProcessesTellEachOther(t *testing.T) {
	t.Parallel()
	connect := connector(t)
	one, other := startProcess(t, connect), startProcess(t, connect)
	one.board.Changed(5)
	if n := other.await(t); n != (notice.Notice{Kind: notice.Changed, ID: 5}) {
		t.Errorf("heard %v", n)
	}
	other.board.Passed(6)
	if n := one.await(t); n != (notice.Notice{Kind: notice.Passed, ID: 6}) { // and not what it said itself
		t.Errorf("heard %v", n)
	}
}

// Where the server ends the connections, as when it is restarted, they come back, and
// everything is looked at that may have been missed.
func TestProcessesHearAgainAfterTheServerWasAway(t *testing.T) {
	t.Parallel()
	connect := connector(t)
	one, other := startProcess(t, connect), startProcess(t, connect)
	if n := query(t, connect, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND query ~ '^(LISTEN|SELECT set_config|SELECT 1)' AND pid <> pg_backend_pid()`); n < 4 {
		t.Fatalf("%d connections were ended", n)
	}
	one.waitAll(t)
	other.waitAll(t)
	one.board.Changed(7)
	if n := other.await(t); n != (notice.Notice{Kind: notice.Changed, ID: 7}) {
		t.Errorf("heard %v", n)
	}
	if one.wire.Polls() {
		t.Error("the database is asked each second though LISTEN works")
	}
}

// What is said at the same time is told together: each message is handed to every process.
func TestMuchIsToldInFewMessages(t *testing.T) {
	t.Parallel()
	connect := connector(t)
	listener, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close(context.Background())
	if _, err := listener.Exec(t.Context(), "LISTEN ticketfrei"); err != nil {
		t.Fatal(err)
	}
	one := startProcess(t, connect)
	const cities = 300
	for range 10 {
		for city := range int64(cities) {
			one.board.Changed(1000 + city)
		}
	}
	one.board.Changed(2000)
	heard, messages := map[int64]bool{}, 0
	for !heard[2000] || len(heard) < cities+1 {
		within, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		n, err := listener.WaitForNotification(within)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		before := len(heard)
		for _, n := range second(db.Decode(n.Payload)) {
			if n.ID >= 1000 {
				heard[n.ID] = true
			}
		}
		if len(heard) > before {
			messages++
		}
	}
	if messages > 50 {
		t.Errorf("%d cities were told in %d messages", len(heard), messages)
	}
}

func second[A, B any](_ A, b B) B { return b }

// Where LISTEN brings nothing, as behind a pooler in transaction mode, everything is
// looked at each second. Here it is another database that is listened to.
func TestProcessesLookWhereListenDoesNotWork(t *testing.T) {
	t.Parallel()
	connect := connector(t)
	var calls atomic.Int64
	apart := func(ctx context.Context) (*pgx.Conn, error) {
		conn, err := connect(ctx)
		if err != nil || calls.Add(1) != 1 {
			return conn, err
		}
		config := conn.Config()
		_ = conn.Close(ctx)
		config.Database = "template1"
		return pgx.ConnectConfig(ctx, config)
	}
	p := startProcess(t, apart)
	if !p.wire.Polls() {
		t.Fatal("it is not seen that LISTEN does not work")
	}
	p.waitAll(t)
	p.waitAll(t)
}
