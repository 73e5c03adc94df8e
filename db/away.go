package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// awayEvery is how often a server that is away is looked for.
const awayEvery = 250 * time.Millisecond

const (
	// diskFull is what a server refuses with whose disk is full.
	diskFull = "53100"
	// roomEvery is how often it is looked then whether there is room.
	roomEvery = 5 * time.Second
)

// away knows whether the server can be written to.
type away struct {
	where string
	log   *slog.Logger
	now   atomic.Pointer[fullError] // nil: it can
	full  atomic.Bool               // its disk was, when it last refused a write

	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	told time.Time // when the log last heard of it
}

// begin looks for the server from now on whenever it is away.
func (a *away) begin(pool *sql.DB) {
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel, a.done = cancel, make(chan struct{})
	go a.run(ctx, pool)
}

func (a *away) stop() {
	a.cancel()
	<-a.done
}

func (a *away) run(ctx context.Context, pool *sql.DB) {
	defer close(a.done)
	tick := time.NewTicker(awayEvery)
	defer tick.Stop()
	var next time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if a.now.Load() == nil || a.full.Load() && time.Now().Before(next) {
			continue
		}
		next = time.Now().Add(roomEvery)
		if a.look(ctx, pool) == nil {
			a.mended()
		}
	}
}

// takesRoom makes a table of 1 MB. Its log may have room where the server's tables have none.
const takesRoom = "CREATE UNLOGGED TABLE ticketfrei_room AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 1000)"

// look finds out whether the server takes writes.
func (a *away) look(ctx context.Context, pool *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if !a.full.Load() {
		_, err := pool.ExecContext(ctx, flushStatement)
		return err
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, takesRoom); !serverAway(err) {
		err = nil // whoever may not make tables finds out by the next write
	}
	return errors.Join(err, tx.Rollback()) // the room is free again
}

// error is ErrFull while the server cannot be written to, and says why.
func (a *away) error() error {
	if e := a.now.Load(); e != nil {
		return e
	}
	return nil
}

// noticed takes the error of a write.
func (a *away) noticed(err error) {
	if !serverAway(err) {
		return
	}
	refused, ok := errors.AsType[*pgconn.PgError](err)
	a.full.Store(ok && refused.Code == diskFull)
	e := &fullError{fmt.Sprintf("the server of the database at %s does not take it (%v): everything goes on by itself when it does", a.where, err)}
	if before := a.now.Swap(e); before != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.told) > tellAgain {
		a.told = time.Now()
		a.log.Error("nothing new is stored for now", "err", e)
	}
}

// mended notes that the server takes writes again. What it may have forgotten is looked at
// again by those whom the Wire tells that they may have missed something.
func (a *away) mended() {
	a.now.Store(nil)
	a.log.Info("the database is there again: everything is stored as usual", "database", a.where)
}
