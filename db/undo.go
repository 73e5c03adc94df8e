package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Undo is what stood there before a moderator did something that can be undone for a while.
type Undo struct {
	CityID  int64
	Act     string // what was done
	Subject string // to what: the id of a report, or nothing
	Before  string
	For     time.Duration // how long it can be undone
}

// KeepUndo keeps what stood there before, in place of what was kept of the same.
func (d *DB) KeepUndo(ctx context.Context, u Undo) error {
	err := d.Write(ctx, func(tx *gorm.DB) error { return d.keepUndo(tx, u) })
	if err != nil {
		return fmt.Errorf("keep what can be undone: %w", err)
	}
	return nil
}

func (d *DB) keepUndo(tx *gorm.DB, u Undo) error {
	_, err := Exec(tx, `INSERT INTO undos (city_id, act, subject, before, until) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (city_id, act, subject) DO UPDATE SET before = excluded.before, until = excluded.until`,
		u.CityID, u.Act, u.Subject, u.Before, millis(d.now().Add(u.For)))
	return err
}

// TakeUndo returns what stood there before, once. The error is ErrNotFound where there is
// nothing to undo, or it is too late.
func (d *DB) TakeUndo(ctx context.Context, cityID int64, act, subject string) (before string, err error) {
	err = d.Write(ctx, func(tx *gorm.DB) (err error) {
		before, err = d.takeUndo(tx, cityID, act, subject)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("undo: %w", err)
	}
	return before, nil
}

func (d *DB) takeUndo(tx *gorm.DB, cityID int64, act, subject string) (before string, err error) {
	err = queryRow(tx, "DELETE FROM undos WHERE city_id = ? AND act = ? AND subject = ? AND until >= ? RETURNING before",
		cityID, act, subject, millis(d.now())).Scan(&before)
	return before, notFound(err)
}

// Undoable returns until when something can be undone; the zero time where it cannot.
func (d *DB) Undoable(ctx context.Context, cityID int64, act, subject string) (time.Time, error) {
	list, err := ReadColumn[int64](ctx, d, "SELECT until FROM undos WHERE city_id = ? AND act = ? AND subject = ? AND until >= ?",
		cityID, act, subject, millis(d.now()))
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return fromMillis(list[0]), nil
}
