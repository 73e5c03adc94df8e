package db

import (
	"context"
	"sync"
	"time"

	"gorm.io/gorm"
)

// What tests see of the inside.
var (
	PackIDs   = packIDs
	UnpackIDs = unpackIDs
)

// TrimRefusedOnServer is the statement by which a server deletes refused reports.
const TrimRefusedOnServer = trimRefusedOnServer

// UpToDeliveries is how many migrations of this package there were before the
// queue was the database.
const UpToDeliveries = 2

// UpToLogins is how many there were before sign-ups had no password.
const UpToLogins = 3

// MigrateCore brings the tables of this package up to its first n migrations.
func (d *DB) MigrateCore(ctx context.Context, n int) error {
	return d.migrate(ctx, "core", migrations[:n])
}

// Hold keeps the writer from writing until release. waiting is how many writes
// wait for it: they will share a transaction.
func (d *DB) Hold(ctx context.Context) (waiting func() int, release func()) {
	held, end := make(chan struct{}), make(chan struct{})
	if d.OnServer() {
		return d.holdServer(ctx, held, end)
	}
	go func() {
		_ = d.writer.exclusive(ctx, func(*gorm.DB) error {
			close(held)
			<-end
			return nil
		})
	}()
	select {
	case <-held:
	case <-ctx.Done():
	}
	return func() int { return len(d.writer.urgent) + len(d.writer.soon) }, sync.OnceFunc(func() { close(end) })
}

// holdServer holds all writers of a server, each in a transaction.
func (d *DB) holdServer(ctx context.Context, held, end chan struct{}) (waiting func() int, release func()) {
	for _, w := range d.server.write {
		go func() {
			_ = w.do(ctx, &job{fn: func(*gorm.DB) error {
				held <- struct{}{}
				<-end
				return nil
			}})
		}()
	}
	for range d.server.write {
		select {
		case <-held:
		case <-ctx.Done():
		}
	}
	return func() (n int) {
		for _, w := range d.server.write {
			n += len(w.urgent) + len(w.soon)
		}
		return n
	}, sync.OnceFunc(func() { close(end) })
}

// BreakDisk has the log fail to come to the disk from now on.
func (d *DB) BreakDisk() error { return d.syncer.file.Close() }

// BeginLogAfter makes the log begin again when it has that many frames.
func (d *DB) BeginLogAfter(frames int64) { d.house.longLog.Store(frames) }

// MayActAfter tells whether a process may act whose lease was renewed, when that much has
// passed since by the clock that goes on while a machine is suspended, and by the wall clock.
func MayActAfter(boot, wall time.Duration) bool {
	then := now()
	o := &Ownership{clock: func() instant { return instant{then.boot + boot, then.wall.Add(wall)} }}
	o.renewed.Store(&then)
	return o.mayAct()
}

// SetClockOff has a process take its clock for that much off, until its lease is renewed.
func (o *Ownership) SetClockOff(d time.Duration) { o.offBy.Store(int64(d)) }
