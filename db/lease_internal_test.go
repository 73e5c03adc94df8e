package db

import (
	"context"
	"github.com/jackc/pgx/v5"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"ticketfrei/internal/dbserver"
	"time"
)

type rec struct{ won, lost atomic.Int64 }

func (r *rec) Won(ctx context.Context, n int) error { r.won.Add(1); return nil }
func (r *rec) Lost(ctx context.Context, n int)      { r.lost.Add(1) }
func TestLeaseTry(t *testing.T) {
	s := dbserver.Start(t)
	c, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"CREATE TABLE processes (id TEXT PRIMARY KEY, name TEXT NOT NULL, until BIGINT NOT NULL)",
		"CREATE TABLE shards (n INTEGER PRIMARY KEY, owner TEXT NOT NULL DEFAULT '', epoch BIGINT NOT NULL DEFAULT 0)",
		"INSERT INTO shards (n) SELECT generate_series(0, 63)", "CREATE ROLE tf LOGIN", "GRANT ALL ON processes, shards TO tf"} {
		if _, err := c.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	mk := func(name string) (*Ownership, *rec, context.CancelFunc, chan struct{}) {
		o := &Ownership{name: name, connect: func(ctx context.Context) (*pgx.Conn, error) {
			cfg, _ := pgx.ParseConfig(s.URL())
			cfg.User = "tf"
			return pgx.ConnectConfig(ctx, cfg)
		}, log: log, clock: now, drained: make(chan *holding, Shards)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		r := &rec{}
		go func() { o.Run(ctx, r); close(done) }()
		return o, r, cancel, done
	}
	b := time.Now()
	one, r1, stop1, d1 := mk("one")
	for one.Owned() != 64 {
		time.Sleep(10 * time.Millisecond)
	}
	t.Log("all", time.Since(b))
	b = time.Now()
	two, _, stop2, d2 := mk("two")
	for two.Owned() != 32 {
		time.Sleep(10 * time.Millisecond)
	}
	t.Log("half", time.Since(b), one.Owned(), one.Living())
	b = time.Now()
	stop1()
	<-d1
	t.Log("stop", time.Since(b), r1.won.Load(), r1.lost.Load())
	for two.Owned() != 64 {
		time.Sleep(10 * time.Millisecond)
	}
	t.Log("all two", time.Since(b))
	b = time.Now()
	s.Stop()
	for two.Owned() != 0 {
		time.Sleep(10 * time.Millisecond)
	}
	t.Log("stopped", time.Since(b), two.Check())
	b = time.Now()
	s.Start()
	for two.Owned() != 64 {
		time.Sleep(10 * time.Millisecond)
	}
	t.Log("back", time.Since(b), two.Check(), two.ClockOff())
	b = time.Now()
	s.Restart()
	for two.Owned() != 64 {
		time.Sleep(10 * time.Millisecond)
	}
	t.Log("restart", time.Since(b), two.Check(), two.ClockOff())
	b = time.Now()
	stop2()
	<-d2
}
