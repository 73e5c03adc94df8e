package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// errUnusual says that a transaction did not find what most do. It is run again, with each
// statement looked at.
var errUnusual = errors.New("not as usual")

// pipeline is the transaction of a group. A statement whose answer nobody looks at is not
// sent at once, but with the next that is: so what is usual takes one or two ways to the
// server and back, however many statements it has. All that are sent together fail
// together, with the commit if it is one of them.
type pipeline struct {
	serverPool // for gorm, which looks at every answer
	conn       *sql.Conn
	careful    bool // every statement is looked at
	begun      bool // something was sent
	queue      *pgx.Batch
	err        error // of the first that failed: the transaction has
}

func newPipeline(conn *sql.Conn, texts *rebound, careful bool) *pipeline {
	return &pipeline{serverPool: serverPool{conn, texts}, conn: conn, careful: careful, queue: new(pgx.Batch)}
}

// add puts a statement of ours into the queue.
func (p *pipeline) add(statement string, args []any) (*pgx.QueuedQuery, error) {
	valid := make([]any, len(args))
	for i, value := range args {
		arg := driver.NamedValue{Value: value}
		if err := checkText(&arg); err != nil {
			return nil, fmt.Errorf("argument %d of a statement: %w", i+1, err)
		}
		valid[i] = arg.Value
	}
	return p.queue.Queue(p.texts.text(statement), valid...), nil
}

// later has a statement run of which only its failure is of interest.
func (p *pipeline) later(ctx context.Context, statement string, args ...any) error {
	if _, err := p.add(statement, args); err != nil {
		return err
	}
	if p.careful {
		return p.send(ctx)
	}
	return p.err
}

// one has a statement run that is to change one row, and tells whether it does. Where that
// is not looked at, one that does not ends the transaction with errUnusual.
func (p *pipeline) one(ctx context.Context, statement string, args ...any) (there bool, err error) {
	if !p.careful {
		return true, p.expect(oneChanged(statement), args...)
	}
	q, err := p.add(statement, args)
	if err != nil {
		return false, err
	}
	q.Exec(func(tag pgconn.CommandTag) error {
		there = tag.RowsAffected() > 0
		return nil
	})
	return there, p.send(ctx)
}

// oneChanged is a query that fails where a statement changes no row.
func oneChanged(statement string) string {
	return "WITH changed AS (" + statement + " RETURNING 1) SELECT 1 / count(*) FROM changed"
}

// divisionByZero is what oneChanged fails with.
const divisionByZero = "22012"

// expect has a query run later that fails by a division by zero where something is unusual.
func (p *pipeline) expect(query string, args ...any) error {
	q, err := p.add(query, args)
	if err != nil {
		return err
	}
	q.QueryRow(func(row pgx.Row) error {
		var one int64
		err := row.Scan(&one)
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == divisionByZero {
			return errUnusual
		}
		return err
	})
	return p.err
}

// send sends what is queued and reads the answers.
func (p *pipeline) send(ctx context.Context) error {
	if p.err != nil || p.queue.Len() == 0 {
		return p.err
	}
	queue := p.queue
	p.queue, p.begun = new(pgx.Batch), true
	p.err = p.conn.Raw(func(c any) error {
		return c.(serverConn).Conn.Conn().SendBatch(ctx, queue).Close()
	})
	return p.err
}

// commit sends what is queued, and has it committed.
func (p *pipeline) commit(ctx context.Context) error {
	p.queue.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return errors.New("the transaction was rolled back: one of its statements had failed")
		}
		return nil
	})
	return p.send(ctx)
}

// undo ends a transaction in which something failed.
func (p *pipeline) undo(ctx context.Context) error {
	p.queue = new(pgx.Batch)
	if !p.begun {
		return nil
	}
	return undo(ctx, p.conn)
}

// row is the answer to a query for one row.
func (p *pipeline) row(ctx context.Context, query string, args []any) scanner {
	return pipelineRow{p, ctx, query, args}
}

type pipelineRow struct {
	p     *pipeline
	ctx   context.Context
	query string
	args  []any
}

// Scan asks for the row, after what is queued. The error is sql.ErrNoRows where there is
// none.
func (r pipelineRow) Scan(dest ...any) error {
	q, err := r.p.add(r.query, r.args)
	if err != nil {
		return err
	}
	var none error
	q.QueryRow(func(row pgx.Row) error {
		err := row.Scan(dest...)
		if errors.Is(err, sql.ErrNoRows) { // it fails nothing else
			none, err = sql.ErrNoRows, nil
		}
		return err
	})
	return errors.Join(r.p.send(r.ctx), none)
}

// PrepareContext is asked by gorm.
func (p *pipeline) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.serverPool.PrepareContext(ctx, query)
}

// ExecContext runs a statement, after what is queued.
func (p *pipeline) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.serverPool.ExecContext(ctx, query, args...)
}

// QueryContext asks for rows, after what is queued.
func (p *pipeline) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.serverPool.QueryContext(ctx, query, args...)
}

// QueryRowContext asks for a row, after what is queued. Where that has failed, so does this.
func (p *pipeline) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	_ = p.send(ctx)
	return p.serverPool.QueryRowContext(ctx, query, args...)
}

var (
	_ gorm.ConnPool    = (*pipeline)(nil)
	_ gorm.TxCommitter = (*pipeline)(nil)
)

// Commit does nothing: gorm asks for it to know that a transaction is open, which its
// writer alone ends.
func (*pipeline) Commit() error { return nil }

// Rollback does nothing.
func (*pipeline) Rollback() error { return nil }
