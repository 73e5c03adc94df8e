package dbserver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/slow"
)

// mustConnect connects to a server and ends the connection with the test.
func mustConnect(tb testing.TB, url string) *pgx.Conn {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func mustExec(tb testing.TB, c *pgx.Conn, sql string) {
	tb.Helper()
	if _, err := c.Exec(tb.Context(), sql); err != nil {
		tb.Fatal(err)
	}
}

// commit inserts a row in a transaction of its own.
func commit(ctx context.Context, c *pgx.Conn, n int) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO t (n) VALUES ($1)", n)
		return err
	})
}

// TestStopKillStart has what was committed be there after each end of the server.
func TestStopKillStart(t *testing.T) {
	slow.Test(t, "starts PostgreSQL three times")
	t.Parallel()
	s := dbserver.Start(t)
	c := mustConnect(t, s.URL())
	mustExec(t, c, "CREATE TABLE t (n INTEGER)")
	for n, again := range []func(){s.Restart, func() { s.Kill(); s.Start() }} {
		if err := commit(t.Context(), c, n); err != nil {
			t.Fatal(err)
		}
		again()
		if err := c.Ping(t.Context()); err == nil {
			t.Error("a connection outlived the server")
		}
		c = mustConnect(t, s.URL())
	}
	if got := s.Query("SELECT count(*) FROM t"); got != "2" {
		t.Errorf("%s rows of 2 are there", got)
	}
}

// TestProxy has a connection be cut, stalled and robbed of an answer.
func TestProxy(t *testing.T) {
	slow.Test(t, "starts PostgreSQL")
	t.Parallel()
	s := dbserver.Start(t)
	p := dbserver.NewProxy(t, s.Address())
	c := mustConnect(t, p.URL())
	mustExec(t, c, "CREATE TABLE t (n INTEGER)")

	p.Cut()
	if err := c.Ping(t.Context()); err == nil {
		t.Error("a connection outlived a cut")
	}
	if _, err := pgx.Connect(t.Context(), p.URL()); err == nil {
		t.Error("somebody connected through a cut")
	}
	p.Heal()
	c = mustConnect(t, p.URL())

	p.Hang()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := pgx.Connect(short, p.URL()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("whoever connects while nothing gets through has %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- commit(t.Context(), c, 1) }()
	select {
	case err := <-done:
		t.Fatalf("a commit came through: %v", err)
	case <-time.After(50 * time.Millisecond): // that nothing comes can only be waited for
	}
	p.Heal()
	if err := <-done; err != nil {
		t.Errorf("a commit that was stalled: %v", err)
	}

	lost := p.LoseAnswer()
	if err := commit(t.Context(), c, 2); err == nil {
		t.Error("the answer came all the same")
	}
	<-lost
	if got := s.Query("SELECT string_agg(n::text, ' ' ORDER BY n) FROM t"); got != "1 2" {
		t.Errorf("of two rows %q are there", got)
	}
	mustConnect(t, p.URL())
}

// TestStandby has the second server have what the first committed, and take over.
func TestStandby(t *testing.T) {
	slow.Test(t, "starts two servers")
	t.Parallel()
	first := dbserver.Start(t)
	second := first.Standby()
	both := dbserver.URL(first.Address(), second.Address())
	c := mustConnect(t, both)
	mustExec(t, c, "CREATE TABLE t (n INTEGER)")
	if err := commit(t.Context(), c, 1); err != nil {
		t.Fatal(err)
	}
	first.Kill()
	second.Promote()
	if err := commit(t.Context(), mustConnect(t, both), 2); err != nil {
		t.Fatal(err)
	}
	if got := second.Query("SELECT count(*) FROM t"); got != "2" {
		t.Errorf("%s rows of 2 are there", got)
	}
}

// TestPooler has two transactions share the connections of pgbouncer.
func TestPooler(t *testing.T) {
	slow.Test(t, "starts PostgreSQL and pgbouncer")
	t.Parallel()
	s := dbserver.Start(t)
	c := mustConnect(t, dbserver.Pooler(t, s.Address())+"&default_query_exec_mode=simple_protocol")
	mustExec(t, c, "CREATE TABLE t (n INTEGER)")
	if err := commit(t.Context(), c, 1); err != nil {
		t.Fatal(err)
	}
	if got := s.Query("SELECT count(*) FROM t"); got != "1" {
		t.Errorf("%s rows of 1 are there", got)
	}
}
