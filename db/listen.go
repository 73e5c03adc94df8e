package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ticketfrei/internal/backoff"
	"ticketfrei/internal/notice"
)

const (
	// tellEvery is how often a process tells the others something, at most.
	tellEvery = 2 * time.Millisecond
	// ownWithin is how long a message to ourselves may take until LISTEN counts as not
	// working.
	ownWithin = time.Second
	// lookEvery is how often everything is looked at where LISTEN does not work.
	lookEvery = time.Second
	// listenAgain is how often LISTEN is tried there.
	listenAgain = time.Minute
	// aliveEvery is how often it is looked whether a silent connection still stands.
	aliveEvery = 5 * time.Second
	// wireTimeout bounds one exchange with the server.
	wireTimeout = 5 * time.Second
	// The waits before the server is connected to again.
	firstWireRetry = 50 * time.Millisecond
	lastWireRetry  = 5 * time.Second
)

// errDeaf says that messages do not come back through LISTEN.
var errDeaf = errors.New("LISTEN does not work here")

// Wire tells the other processes on a server what this one says on its board, and says
// there what they tell. What is lost on the way is found without it, within seconds.
type Wire struct {
	connect func(context.Context) (*pgx.Conn, error)
	board   *notice.Board
	log     *slog.Logger
	name    string // of this process, as messages have it
	unsent  *unsent

	sending sync.Mutex // held while one message is sent
	out     *pgx.Conn  // nil: there is none at the moment

	deaf  atomic.Bool // the server is asked instead
	alone atomic.Bool // it could not be reached, and was said so
}

// newWire returns the wire of a process with connections that connect makes.
func newWire(connect func(context.Context) (*pgx.Conn, error), board *notice.Board, log *slog.Logger) *Wire {
	return &Wire{connect: connect, board: board, log: log, name: rand.Text()[:10], unsent: newUnsent()}
}

// Run tells and listens until ctx ends.
func (w *Wire) Run(ctx context.Context) {
	stop := w.board.OnOwn(func(n notice.Notice) { w.unsent.add(n) })
	var group sync.WaitGroup
	group.Go(func() { w.tellAll(ctx) })
	group.Go(func() { w.listenOn(ctx) })
	<-ctx.Done()
	stop()
	group.Wait()
}

// Polls tells whether the database is asked each second, as LISTEN does not work: there
// is a pooler in transaction mode before the server, or it has no LISTEN.
func (w *Wire) Polls() bool { return w != nil && w.deaf.Load() }

// tellAll tells the others what this process says, until ctx ends.
func (w *Wire) tellAll(ctx context.Context) {
	defer w.hangUp()
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			// Those who stop have just said something: what they gave up, for example.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = w.tell(last, w.unsent.take())
			return
		case <-w.unsent.some:
		}
		list := w.unsent.take()
		if err := w.tell(ctx, list); err == nil || isRefused(err) {
			failures = 0
			_ = sleep(ctx, tellEvery) // the end is seen above
			continue
		}
		w.unsent.add(list...)
		_ = sleep(ctx, backoff.Wait(firstWireRetry, failures, lastWireRetry))
		failures++
	}
}

func (w *Wire) tell(ctx context.Context, list []notice.Notice) error {
	if len(list) == 0 {
		return nil
	}
	return w.send(ctx, encode(w.name, list))
}

// send sends one message. It is not waited for the disk: that takes the lock that all
// messages of a database are sent under.
func (w *Wire) send(ctx context.Context, message string) error {
	w.sending.Lock()
	defer w.sending.Unlock()
	ctx, cancel := context.WithTimeout(ctx, wireTimeout)
	defer cancel()
	var err error
	if w.out == nil {
		if w.out, err = w.connect(ctx); err != nil {
			w.out = nil
			return err
		}
	}
	_, err = w.out.Exec(ctx, "SELECT set_config('synchronous_commit', 'off', TRUE), pg_notify($1, $2)", pgx.QueryExecModeExec, channel, message)
	if err != nil && !isRefused(err) {
		closeWire(w.out)
		w.out = nil
	}
	return err
}

func (w *Wire) hangUp() {
	w.sending.Lock()
	defer w.sending.Unlock()
	if w.out != nil {
		closeWire(w.out)
		w.out = nil
	}
}

func closeWire(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.Close(ctx) // it may be broken
}

// listenOn listens until ctx ends, and asks the database instead where that does not work.
func (w *Wire) listenOn(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		err := w.listen(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errDeaf):
			w.poll(ctx, err)
			failures = -1
			continue
		case time.Since(began) > lastWireRetry:
			failures = 0
		}
		if w.alone.CompareAndSwap(false, true) {
			w.log.Warn("this process does not hear at the moment what others do, trying again", "err", err)
		}
		_ = sleep(ctx, backoff.Wait(firstWireRetry, failures, lastWireRetry))
	}
}

// listen hears what others tell until the connection or ctx ends. The error is errDeaf
// where nothing comes through.
func (w *Wire) listen(ctx context.Context) error {
	conn, err := w.beginListening(ctx)
	if err != nil {
		return err
	}
	defer closeWire(conn)
	if w.deaf.Swap(false) || w.alone.Swap(false) {
		w.log.Info("this process hears what others do")
	}
	w.missed()
	for {
		n, err := awaitMessage(ctx, conn, aliveEvery)
		switch {
		case err == nil:
			w.heard(n.Payload)
		case ctx.Err() != nil || !pgconn.Timeout(err):
			return err
		default: // a connection that hangs says nothing, either
			if err := execWithin(ctx, conn, "SELECT 1"); err != nil {
				return err
			}
		}
	}
}

// beginListening connects, listens, and sees that a message of our own comes through.
func (w *Wire) beginListening(ctx context.Context) (*pgx.Conn, error) {
	within, cancel := context.WithTimeout(ctx, wireTimeout)
	defer cancel()
	conn, err := w.connect(within)
	if err != nil {
		return nil, err
	}
	if err = execWithin(ctx, conn, "LISTEN "+channel); err == nil {
		err = w.send(ctx, w.name)
	}
	if isRefused(err) {
		err = fmt.Errorf("%w: %w", errDeaf, err)
	}
	for until := time.Now().Add(ownWithin); err == nil; {
		var n *pgconn.Notification
		if n, err = awaitMessage(ctx, conn, time.Until(until)); err == nil && n.Payload == w.name {
			return conn, nil
		}
		if err != nil && ctx.Err() == nil && pgconn.Timeout(err) {
			_ = execWithin(ctx, conn, "UNLISTEN *") // whoever has the pooler's connection next does not want it
			err = errDeaf
		}
	}
	closeWire(conn)
	return nil, err
}

func awaitMessage(ctx context.Context, conn *pgx.Conn, d time.Duration) (*pgconn.Notification, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return conn.WaitForNotification(ctx)
}

func execWithin(ctx context.Context, conn *pgx.Conn, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, wireTimeout)
	defer cancel()
	_, err := conn.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
	return err
}

// isRefused tells whether the server does not know what it was asked for, or forbids it.
func isRefused(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(e.Code, "0A") || strings.HasPrefix(e.Code, "42"))
}

// heard says on the board what another process told.
func (w *Wire) heard(message string) {
	from, list := decode(message)
	if from == w.name {
		return
	}
	for _, n := range list {
		w.board.Elsewhere(n)
	}
}

// missed has everything looked at again: nobody knows what was told meanwhile.
func (w *Wire) missed() {
	w.board.Elsewhere(notice.Notice{Kind: notice.Changed, ID: notice.All})
	w.passedAny()
}

// passedAny has everything looked at that may have been heard or judged meanwhile.
func (w *Wire) passedAny() {
	for _, kind := range []notice.Kind{notice.Passed, notice.Judged} {
		w.board.Elsewhere(notice.Notice{Kind: kind, ID: notice.All})
	}
	for shard := range int64(Shards) {
		w.board.Elsewhere(notice.Notice{Kind: notice.Heard, ID: shard})
	}
}

// poll has everything looked at each second for a while. What was changed is looked for
// by whoever asks for numbered changes.
func (w *Wire) poll(ctx context.Context, why error) {
	if !w.deaf.Swap(true) {
		w.log.Warn("LISTEN does not work on this database: what other processes do is seen up to a second later. "+
			"Is there a pooler in transaction mode? Then give the address of the server itself", "err", why)
		w.missed()
	}
	for end := time.Now().Add(listenAgain); time.Now().Before(end); {
		if sleep(ctx, lookEvery) != nil {
			return
		}
		w.passedAny()
	}
}

// Wire returns what tells the other processes on the server what is said on a board, and
// says there what they tell, while it runs. There is none to a file: then Wire is nil.
func (d *DB) Wire(board *notice.Board, log *slog.Logger) *Wire {
	if !d.OnServer() {
		return nil
	}
	return newWire(d.Connect, board, log)
}
