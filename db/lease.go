package db

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// How the lease is kept: what is free is looked for more often than it is renewed, so
// that what another process gives up is not without an owner for long.
const (
	renewEvery = 3 * time.Second
	shareEvery = 500 * time.Millisecond
	// stepFor bounds what the server is asked at a time: a connection that hangs must not
	// keep this process from noticing that its lease is over.
	stepFor = 2 * time.Second
)

// msNow is the server's clock, in milliseconds. It is the only clock that leases go by.
const msNow = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

// lease is the row of this process in the database, on a connection of its own: one of a
// pool may be waited for. It is of one goroutine.
//
// A process is alive while its row is there. Who finds one whose time is over deletes it;
// after that its renewals find nothing, and what it had is free. So a renewal that comes
// late and a takeover cannot both succeed.
type lease struct {
	*Ownership
	conn   *pgx.Conn
	id     string // of the row; empty where there was none yet
	over   bool   // nothing that it holds is held any more: the next lease is another
	server string // which server that is, and which of its timelines; empty: not known yet
	// By sinceBoot: when it is renewed, and from when something may be taken. After a
	// failover the lease of those who know only the server before must have ended.
	next, free time.Duration
}

// Run wins shards and has the followers work for them until ctx ends. Then it gives them
// up one after the other, and returns when they are. It works without the server too: then
// everything is lost in time, and won again when the server is back.
func (o *Ownership) Run(ctx context.Context, followers ...ShardFollower) {
	o.followers = followers
	l := &lease{Ownership: o}
	tick := time.NewTicker(shareEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		l.step(ctx)
		select {
		case <-ctx.Done():
		case h := <-o.drained:
			l.release(h)
		case <-tick.C:
		}
	}
	l.giveUpAll(ctx)
}

// giveUpFor bounds how long everything is given up when the program stops.
const giveUpFor = 5 * time.Second

// giveUpAll gives up what is held, some shards at a time, and takes the row out. ctx has
// ended: nothing is taken any more.
func (l *lease) giveUpAll(ctx context.Context) {
	for began := l.clock(); len(l.busy()) > 0; {
		if l.clock().isAfter(began, giveUpFor) {
			l.loseAll("the program stops")
		}
		l.giveUp(Shards)
		select {
		case h := <-l.drained:
			l.release(h)
		case <-time.After(shareEvery):
			l.step(ctx)
		}
	}
	l.group.Wait()
	l.letGo()
	if l.conn == nil {
		return
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepFor)
	defer cancel()
	l.failed(l.leave(within)) // else others wait until the lease is over
	l.drop()
}

// letGo has the followers hold nothing any more: when the row is gone, others may take it.
func (l *lease) letGo() {
	ctx, cancel := context.WithTimeout(context.Background(), giveUpFor)
	defer cancel()
	var group sync.WaitGroup
	for _, f := range l.followers {
		if h, ok := f.(Holder); ok {
			group.Go(func() { h.LetGo(ctx) })
		}
	}
	group.Wait()
}

// leave takes the row out.
func (l *lease) leave(ctx context.Context) error {
	_, err := l.conn.Exec(ctx, "DELETE FROM processes WHERE id = $1", l.id)
	return err
}

// step renews the lease where it is time, takes what is free and gives up what is too much.
func (l *lease) step(ctx context.Context) {
	if !l.over && l.renewed.Load() != nil && !l.mayAct() {
		l.loseAll("its lease is over")
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepFor)
	defer cancel()
	err := l.connectAgain(within)
	if err == nil && l.clock().boot >= l.next {
		err = l.renew(within)
	}
	if err == nil && ctx.Err() == nil {
		err = l.share(within)
	}
	l.failed(err)
}

// failed says once that the lease cannot be kept, and tries with another connection.
func (l *lease) failed(err error) {
	if err == nil {
		return
	}
	if !l.trouble.Swap(true) {
		l.log.Error("the lease of this process cannot be renewed, trying again; its cities go to other processes meanwhile", "err", err)
	}
	l.drop()
}

// drop closes the connection.
func (l *lease) drop() {
	if l.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = l.conn.Close(ctx) // the server sees that it is gone
		l.conn = nil
	}
}

// connectAgain connects where there is no connection, and looks whether that is the server
// of before.
func (l *lease) connectAgain(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	l.conn, l.next = conn, 0
	server, err := identify(ctx, conn)
	if err != nil {
		return err
	}
	if l.server != "" && l.server != server {
		l.loseAll("the database is another server now, where cities are taken when every lease of before is over")
		l.free = l.clock().boot + leaseFor
	}
	l.server = server
	return nil
}

// identify tells which server that is and which of its timelines: a standby that takes over
// begins a new one.
func identify(ctx context.Context, conn *pgx.Conn) (server string, err error) {
	const timeline = "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
	err = conn.QueryRow(ctx, "SELECT system_identifier::text || ' ' || "+timeline+" FROM pg_control_system()").Scan(&server)
	if err == nil || ctx.Err() != nil || conn.IsClosed() {
		return server, err
	}
	if !isRefused(err) { // asked another time: it must not be taken for another server
		return "", err
	}
	// Some hosts do not allow that: there a restart looks like another server.
	err = conn.QueryRow(ctx, "SELECT pg_postmaster_start_time()::text").Scan(&server)
	return server, err
}

// renew has the lease go on, and looks what is still held.
func (l *lease) renew(ctx context.Context) error {
	sent := l.clock()
	there, err := l.prolong(ctx)
	if err != nil {
		return err
	}
	if !there {
		if !l.over && l.id != "" {
			l.loseAll("another process has found its lease to be over")
		}
		if err := l.enter(ctx); err != nil {
			return err
		}
	}
	if err := l.compare(ctx); err != nil {
		return err
	}
	l.renewed.Store(&sent)
	if sent.boot >= l.free {
		id := l.id
		l.Ownership.lease.Store(&id)
	}
	l.next = sent.boot + renewEvery
	if l.trouble.Swap(false) {
		l.log.Info("the lease of this process is kept again")
	}
	return nil
}

// prolong tells whether there was a lease that goes on.
func (l *lease) prolong(ctx context.Context) (there bool, err error) {
	if l.id == "" || l.over {
		return false, nil
	}
	var until int64
	before := time.Now()
	err = l.conn.QueryRow(ctx, "UPDATE processes SET until = "+msNow+" + $2 WHERE id = $1 RETURNING until", l.id, leaseFor.Milliseconds()).Scan(&until)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		l.setOff(until, before)
	}
	return err == nil, err
}

// setOff notes how far the server's clock is from ours, given the end of a lease that was
// asked for then.
func (l *lease) setOff(until int64, before time.Time) {
	middle := before.Add(time.Since(before) / 2)
	was := l.clockIsOff()
	l.offBy.Store(int64(fromMillis(until).Add(-leaseFor).Sub(middle.Round(0))))
	switch {
	case !was && l.clockIsOff():
		l.log.Error("nothing is judged or sent", "err", l.clockError())
	case was && !l.clockIsOff():
		l.log.Info("the clock of this machine is right again")
	}
}

// enter begins a lease, in place of one that is over. It has an id of its own: it holds
// nothing of what the one before held.
func (l *lease) enter(ctx context.Context) error {
	if err := l.leave(ctx); err != nil {
		return err
	}
	id, before := cryptorand.Text(), time.Now()
	var until int64
	err := l.conn.QueryRow(ctx, "INSERT INTO processes (id, name, until) VALUES ($1, $2, "+msNow+" + $3) RETURNING until",
		id, l.name, leaseFor.Milliseconds()).Scan(&until)
	if err != nil {
		return err
	}
	l.setOff(until, before)
	l.id, l.over = id, false
	return nil
}

// compare loses what the database says is not held, and gives back what is held there and
// not here: the answer that it was won was lost.
func (l *lease) compare(ctx context.Context) error {
	rows, err := l.conn.Query(ctx, "SELECT n, epoch FROM shards WHERE owner = $1", l.id)
	if err != nil {
		return err
	}
	there, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Claim])
	if err != nil {
		return err
	}
	for _, h := range l.holdings {
		if h != nil && !h.over && !slices.Contains(there, h.Claim) {
			l.log.Warn("another process works for some cities of this one", "shard", h.Shard)
			l.lose(h)
		}
	}
	for _, c := range there {
		if h := l.holdings[c.Shard]; h == nil || h.Claim != c {
			if err := l.setFree(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// setFree has a shard be nobody's.
func (l *lease) setFree(ctx context.Context, c Claim) error {
	_, err := l.conn.Exec(ctx, "UPDATE shards SET owner = '' WHERE n = $1 AND epoch = $2 AND owner = $3", c.Shard, c.Epoch, l.id)
	return err
}
