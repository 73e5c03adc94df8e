package db

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// findPooler finds out whether connections are lent for one transaction each, as pgbouncer
// does in transaction mode, and has nothing be prepared then: what is prepared stays with a
// connection that somebody else has next. An error is not told here: whoever asks the server
// next has it too.
func (s *server) findPooler(ctx context.Context) {
	if pooled(s.config) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if found, err := s.lends(ctx); err != nil || !found {
		return
	}
	s.config.DefaultQueryExecMode = pgx.QueryExecModeExec
	s.away.log.Info("the database is behind a pooler that lends a connection for one transaction: statements are not prepared, which takes the server more time", "database", s.name)
}

// lends tells whether two connections have had the same process of the server, or one has had
// two: while the second is in a transaction, the first gets another than before.
func (s *server) lends(ctx context.Context) (bool, error) {
	one, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return false, err
	}
	defer closeWire(one)
	other, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return false, err
	}
	defer closeWire(other)
	before, err := servedBy(ctx, one)
	if err != nil {
		return false, err
	}
	if _, err := other.Exec(ctx, "BEGIN", pgx.QueryExecModeSimpleProtocol); err != nil {
		return false, err
	}
	if held, err := servedBy(ctx, other); err != nil || held == before {
		return held == before, err
	}
	after, err := servedBy(ctx, one)
	return after != before, err
}

// servedBy is the process of the server that serves a connection now.
func servedBy(ctx context.Context, c *pgx.Conn) (pid int64, err error) {
	err = c.QueryRow(ctx, "SELECT pg_backend_pid()::bigint", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid, err
}
