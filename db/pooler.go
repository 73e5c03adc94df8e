package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// settingRefused is the SQLSTATE of protocol_violation, with which a pooler refuses what a
// connection is to begin with.
const settingRefused = "08P01"

// probes is how often it is looked whether connections are lent: others who use the pooler may
// leave a connection what it had.
const probes = 5

// lends tells whether connections are lent. A pooler that takes no settings of a session, as
// pgbouncer does unless it is told otherwise, says so.
func (s *server) lends(ctx context.Context) (bool, error) {
	one, err := pgx.ConnectConfig(ctx, sessionConfig(s.config))
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == settingRefused {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer closeWire(one)
	other, err := pgx.ConnectConfig(ctx, s.config.Copy())
	if err != nil {
		return false, err
	}
	defer closeWire(other)
	for range probes {
		if lent, err := lentNow(ctx, one, other); err != nil || lent {
			return lent, err
		}
	}
	return false, nil
}

// lentNow tells whether two connections have had the same process of the server, or one has had
// two: while the second is in a transaction, the first gets another than before.
func lentNow(ctx context.Context, one, other *pgx.Conn) (bool, error) {
	before, err := servedBy(ctx, one)
	if err != nil {
		return false, err
	}
	if _, err := other.Exec(ctx, "BEGIN", pgx.QueryExecModeSimpleProtocol); err != nil {
		return false, err
	}
	held, err := servedBy(ctx, other)
	if err != nil {
		return false, err
	}
	after, err := servedBy(ctx, one)
	if err != nil {
		return false, err
	}
	_, err = other.Exec(ctx, "ROLLBACK", pgx.QueryExecModeSimpleProtocol)
	return held == before || after != before, err
}

// servedBy is the process of the server that serves a connection now.
func servedBy(ctx context.Context, c *pgx.Conn) (pid int64, err error) {
	err = c.QueryRow(ctx, "SELECT pg_backend_pid()::bigint", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid, err
}
