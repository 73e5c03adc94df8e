package db

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"
	"gorm.io/gorm"
)

// damage knows whether the database has shown to be damaged. What needs none of
// the damaged pages goes on: the operator is told what to do, and decides when.
type damage struct {
	path string
	log  *slog.Logger
	seen atomic.Pointer[damagedError] // nil: not so far
}

// damagedError says what to do about a damaged file.
type damagedError struct {
	path  string
	cause error
}

func (e *damagedError) Error() string {
	return fmt.Sprintf("the database %s is damaged (%v): move it and its -wal and -shm files away and restore your last backup", e.path, e.cause)
}

func (e *damagedError) Unwrap() error { return e.cause }

// DamageOf returns why a database could not be opened that is damaged; is tells whether that is
// what err says.
func DamageOf(err error) (cause error, is bool) {
	e, is := errors.AsType[*damagedError](err)
	if !is {
		return nil, false
	}
	return e.cause, true
}

// noticed takes the error of a read or a write, and tells the log when it is the
// first that comes from a damaged file.
func (d *damage) noticed(err error) {
	if !isDamage(err) || d.seen.Load() != nil {
		return
	}
	if e := (&damagedError{d.path, err}); d.seen.CompareAndSwap(nil, e) {
		d.log.Error(e.Error())
	}
}

// Damaged returns an error that says what to do if the database has shown to be
// damaged, which is in the log already; nil otherwise.
func (d *DB) Damaged() error {
	if e := d.damage.seen.Load(); e != nil {
		return e
	}
	return nil
}

// watch has the errors of gorm's queries noticed.
func (d *damage) watch(g *gorm.DB) error {
	return g.Callback().Query().After("gorm:query").Register("damage", func(tx *gorm.DB) { d.noticed(tx.Error) })
}

// isDamage tells errors that come from a damaged file from others.
func isDamage(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && (e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt)
}
