package db

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"
)

const (
	// writeWithin is how long a group of writes is tried while the server is away.
	writeWithin = 5 * time.Second
	// awayWithin is the same while it has been away before: those who wait are told soon.
	awayWithin = time.Second
	// longWithin is how long a write may take that stores much.
	longWithin = time.Hour
	// collisions is how often a group is tried that others were in the way of.
	collisions = 10
)

// serverWriter is one of the goroutines that write to a server. Each has its transactions
// numbered, in a row of its own that every one of them changes. So it is known what became
// of one whose connection was lost while it was committed: it was, or its row says that it
// was not, and it is done again. Nothing is done twice.
type serverWriter struct {
	*jobs
	server *server
	pool   *sql.DB
	tx     *gorm.DB // the transaction under way

	row  string // its id in the table writers; empty: it has none
	done int64  // the number of the last transaction that was committed
}

func startServerWriter(s *server, g *gorm.DB, pool *sql.DB) *serverWriter {
	w := &serverWriter{jobs: newJobs(), server: s, pool: pool, tx: g.Session(&gorm.Session{NewDB: true, Context: context.Background()})}
	go w.run()
	return w
}

func (w *serverWriter) run() {
	defer close(w.jobs.done)
	for {
		select {
		case j := <-w.urgent:
			w.runGroups(w.collect(j, nil))
		case j := <-w.soon:
			w.runGroups(w.collect(nil, j))
		case <-w.quit:
			for group := w.collect(nil, nil); group != nil; group = w.collect(nil, nil) {
				w.runGroups(group)
			}
			return
		}
	}
}

// runGroups commits what need not be on disk at once, and then the rest, which is.
func (w *serverWriter) runGroups(group []*job) {
	var soon, durable []*job
	for _, j := range group {
		if j.durable() {
			durable = append(durable, j)
		} else {
			soon = append(soon, j)
		}
	}
	for _, list := range [][]*job{soon, durable} {
		if len(list) > 0 {
			w.runGroup(list)
		}
	}
}

// durable tells whether the server says that it is on disk. Of a report that is heard the
// flusher says so, and meanwhile it is judged: whoever is told that it may be lost sends it
// again, and it is one report.
func (j *job) durable() bool { return !j.soon && j.hearing == nil }

// runGroup commits the group in one transaction. If one write fails, each gets a
// transaction of its own. Where the server is away, all of them fail.
func (w *serverWriter) runGroup(group []*job) {
	err := w.commit(group)
	w.server.away.noticed(err)
	if err != nil && len(group) > 1 && !serverAway(err) {
		w.runEach(group)
		return
	}
	for _, j := range group {
		j.end(err)
	}
}

// runEach gives each write a transaction of its own. Where some wait for locks of others, the
// rest fails after a while: as many as there are could wait for minutes, and who comes next
// with them.
func (w *serverWriter) runEach(group []*job) {
	until, blocked := time.Now().Add(writeWithin), error(nil)
	for _, j := range group {
		err := blocked
		if blocked == nil || time.Now().Before(until) {
			err = w.commit([]*job{j})
			w.server.away.noticed(err)
		}
		if isBlocked(err) {
			blocked = err
		}
		j.end(err)
	}
}

// commit runs the group in one transaction, and once more where that has waited too long for a
// lock: a process that says nothing more has its locks for 10 s at most.
func (w *serverWriter) commit(group []*job) error {
	err := w.commitWithin(group)
	if isBlocked(err) {
		err = w.commitWithin(group)
	}
	return err
}

// commitWithin runs the group in one transaction, and once more where the server was away or
// others were in the way. From the second time on it is careful: it finds out what became of
// the time before, and what was not as usual.
func (w *serverWriter) commitWithin(group []*job) error {
	within := writeWithin
	if w.server.away.error() != nil {
		within = awayWithin
	}
	if slices.ContainsFunc(group, func(j *job) bool { return j.long }) {
		within = longWithin
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	careful := false
	for wait, collided := 10*time.Millisecond, 0; ; wait = min(2*wait, time.Second) {
		err := w.try(ctx, group, careful)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errUnusual) && !careful:
			careful = true
			continue
		case isCollision(err) && collided < collisions:
			collided++
		case !serverAway(err) || ctx.Err() != nil:
			return w.giveUp(ctx, err)
		}
		careful = true
		if sleep(ctx, wait) != nil {
			return w.giveUp(ctx, err)
		}
	}
}

// giveUp returns the error of a group that is not tried again. Where it may yet be
// committed, the next has another row, which does not wait for that.
func (w *serverWriter) giveUp(ctx context.Context, err error) error {
	if serverAway(err) || ctx.Err() != nil {
		w.row = ""
		return &awayError{w.server.name, err}
	}
	return err
}

// try runs the group in a transaction.
func (w *serverWriter) try(ctx context.Context, group []*job, careful bool) (err error) {
	conn, err := w.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			discard(conn)
			return
		}
		err = errors.Join(err, conn.Close())
	}()
	if w.row == "" {
		if err := w.register(ctx, conn); err != nil {
			return err
		}
	}
	p := newPipeline(conn, w.server.texts, careful)
	committed, good, err := w.begin(ctx, p, group)
	if err != nil {
		return err
	}
	heard := hearingsOf(group)
	if !committed {
		if err := w.perform(ctx, p, group, heard, good); err != nil {
			return errors.Join(err, p.undo(ctx))
		}
		w.done++
	}
	if !group[0].durable() { // as the others are
		w.server.flush.committed(w.row, w.done)
	}
	w.lookUp(ctx, conn, heard, committed)
	return nil
}

// perform does what the group is to do, and commits it.
func (w *serverWriter) perform(ctx context.Context, p *pipeline, group []*job, heard []*hearing, good fence) error {
	w.tx.Statement.ConnPool, w.tx.Statement.Context = p, ctx
	if err := p.hear(ctx, heard); err != nil {
		return err
	}
	for _, j := range group {
		err := good.check(j.claims)
		if err == nil && j.hearing == nil {
			err = call(j.fn, w.tx)
		}
		if err != nil {
			return cmp.Or(p.err, err)
		}
	}
	return p.commit(ctx)
}

// Bounds of a transaction: one ends of a process that says nothing more, as others wait for
// its locks, and one fails that waits for those of others for long.
const (
	boundsDurable = "SELECT set_config('idle_in_transaction_session_timeout', '10s', TRUE), set_config('lock_timeout', '3s', TRUE)"
	boundsSoon    = boundsDurable + ", set_config('synchronous_commit', 'off', TRUE)"
)

// numbering gives a transaction the next number of its writer.
const numbering = "UPDATE writers SET n = ?, at = ? WHERE id = ? AND n = ?"

// begin begins a transaction of a group and numbers it. Where it is careful, it says whether
// one of that number has been committed before, and ends this one then. The claims that are
// good stay so until the transaction ends: all of them, where it is not careful.
func (w *serverWriter) begin(ctx context.Context, p *pipeline, group []*job) (committed bool, good fence, err error) {
	bounds := boundsSoon
	if group[0].durable() { // as the others are
		bounds = boundsDurable
	}
	for _, statement := range []string{"BEGIN", bounds} {
		if _, err := p.add(statement, nil); err != nil {
			return false, nil, err
		}
	}
	good = claimsOf(group)
	if !p.careful {
		if len(good) > 0 {
			err = p.expect("SELECT 1 / CAST(count(*) = ? AS INTEGER) FROM ("+lockShards+") AS locked", append([]any{len(good)}, good.args()...)...)
		}
		return false, good, errors.Join(err, p.expect(oneChanged(numbering), w.done+1, time.Now().UnixMilli(), w.row, w.done))
	}
	if len(good) > 0 {
		if good, err = p.lock(ctx, good); err != nil {
			return false, nil, err
		}
	}
	next, err := p.one(ctx, numbering, w.done+1, time.Now().UnixMilli(), w.row, w.done)
	if err != nil || next {
		return false, good, err
	}
	return w.recall(ctx, p, group)
}

// recall finds out why a transaction is not the next of its writer.
func (w *serverWriter) recall(ctx context.Context, p *pipeline, group []*job) (committed bool, good fence, err error) {
	var n int64
	err = p.row(ctx, "SELECT n FROM writers WHERE id = ?", []any{w.row}).Scan(&n)
	if undoing := p.undo(ctx); undoing != nil {
		return false, nil, undoing
	}
	switch {
	case err == nil && n == w.done+1:
		w.done++
		return true, nil, nil
	case err == nil || errors.Is(err, sql.ErrNoRows): // it was cleaned away, or the database is another one
		if err := w.register(ctx, p.conn); err != nil {
			return false, nil, err
		}
		return w.begin(ctx, p, group)
	}
	return false, nil, err
}

// writersKept is how long the row of a writer is kept that does not write.
const writersKept = 24 * time.Hour

// register makes the row of the writer, and deletes those that are of no use any more.
func (w *serverWriter) register(ctx context.Context, conn *sql.Conn) error {
	row, now := rand.Text(), time.Now()
	_, err := conn.ExecContext(ctx, "DELETE FROM writers WHERE id IN (SELECT id FROM writers WHERE at < $1 ORDER BY id FOR UPDATE SKIP LOCKED)", now.Add(-writersKept).UnixMilli())
	if err == nil {
		_, err = conn.ExecContext(ctx, "INSERT INTO writers (id, n, at) VALUES ($1, 0, $2)", row, now.UnixMilli())
	}
	if err == nil {
		w.row, w.done = row, 0
	}
	return err
}

// undo ends a transaction in which something failed.
func undo(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "ROLLBACK")
	if ctx.Err() != nil || serverAway(err) {
		return nil // the server does that by itself
	}
	return err
}

// discard closes a connection that is not to be used again. One that is fine, and in no
// transaction, goes back to its pool.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(c any) error {
		if pg := c.(serverConn).Conn.Conn().PgConn(); pg.IsClosed() || pg.TxStatus() != 'I' {
			return driver.ErrBadConn
		}
		return nil
	})
	_ = conn.Close() // says that it is closed already
}
