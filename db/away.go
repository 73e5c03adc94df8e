package db

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// awayEvery is how often a server that is away is looked for.
const awayEvery = 250 * time.Millisecond

// away knows whether the server can be written to.
type away struct {
	where string
	log   *slog.Logger
	now   atomic.Pointer[fullError] // nil: it can

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
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if a.now.Load() != nil && a.look(ctx, pool) == nil {
			a.mended()
		}
	}
}

// look finds out whether the server takes writes.
func (a *away) look(ctx context.Context, pool *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	_, err := pool.ExecContext(ctx, flushStatement)
	return err
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
