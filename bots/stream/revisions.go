package stream

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/db"
)

// What something must be before it is changed, beside a revision.
const (
	Any    = int64(0)  // whatever it is
	Absent = int64(-1) // it must not be there
)

// shelf is how streams or triggers are stored under their names: R is a row, V what is in
// it for people, S that as it was stored.
type shelf[R interface{ revision() int64 }, V, S any] struct {
	find    func(ctx context.Context, cityID int64, name string) (R, error)
	read    func(R) (V, error)
	create  func(ctx context.Context, cityID int64, want V) (S, error)
	replace func(ctx context.Context, cityID int64, r R, want V) (S, error)
}

// seen returns what is stored under a name. The error is ErrChanged where it has another
// revision.
func (s shelf[R, V, S]) seen(ctx context.Context, cityID int64, name string, revision int64) (R, error) {
	r, err := s.find(ctx, cityID, name)
	if err == nil && revision != Any && revision != r.revision() {
		err = ErrChanged
	}
	return r, err
}

// put stores something under a name, in place of what has it: see Streams.Put.
func (s shelf[R, V, S]) put(ctx context.Context, cityID int64, name string, want V, revision int64) (S, error) {
	return persist(revision, func() (none S, err error) {
		r, err := s.seen(ctx, cityID, name, revision)
		switch {
		case err == nil:
			return s.replace(ctx, cityID, r, want)
		case !errors.Is(err, db.ErrNotFound):
			return none, err
		case revision > 0:
			return none, ErrChanged
		}
		return s.create(ctx, cityID, want)
	})
}

// change stores something as change makes it of what is stored: see Streams.Change.
func (s shelf[R, V, S]) change(ctx context.Context, cityID int64, name string, revision int64, change func(*V) error) (S, error) {
	return persist(revision, func() (none S, err error) {
		r, err := s.seen(ctx, cityID, name, revision)
		if err != nil {
			return none, err
		}
		want, err := s.read(r)
		if err == nil {
			err = change(&want)
		}
		if err != nil {
			return none, err
		}
		return s.replace(ctx, cityID, r, want)
	})
}

// remove has what is stored under a name be deleted, and returns what it was: see
// Streams.Delete. It may be tried again, with another revision.
func (s shelf[R, V, S]) remove(ctx context.Context, cityID int64, name string, revision int64, del func(R) error) (R, error) {
	return persist(revision, func() (R, error) {
		r, err := s.seen(ctx, cityID, name, revision)
		if err == nil {
			err = del(r)
		}
		return r, err
	})
}

// persist stores what is to be stored whatever was there, also where somebody else stores
// something at the same moment.
func persist[S any](revision int64, store func() (S, error)) (stored S, err error) {
	for range 10 {
		if stored, err = store(); revision != Any || !errors.Is(err, ErrChanged) {
			break
		}
	}
	return stored, err
}

// nextRevision is the one after another.
func (n *Network) nextRevision(seen int64) int64 { return max(seen+1, n.host.Now().UnixMilli()) }

// update stores a row in place of the one with its id that has the revision that was seen,
// but for some columns. The error is ErrChanged where that has another one by now.
func update[R any](tx *gorm.DB, r *R, id, seen int64, keep ...string) error {
	result := tx.Model(new(R)).Where("id = ? AND revision = ?", id, seen).Select("*").Omit(append(keep, "id", "bot_id")...).Updates(r)
	if result.Error == nil && result.RowsAffected == 0 {
		return ErrChanged
	}
	return result.Error
}

// remove deletes a row of a bot's. The error is ErrChanged where it has another revision
// than was seen, or is gone.
func (n *Network) remove(ctx context.Context, cityID, botID int64, table string, id, seen int64) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("DELETE FROM "+table+" WHERE id = ? AND revision = ?", id, seen)
		if result.Error != nil {
			return result.Error
		}
		if result.RowsAffected == 0 {
			return ErrChanged
		}
		return n.touch(tx, botID)
	})
	if err != nil {
		return fmt.Errorf("delete from %s: %w", table, err)
	}
	n.host.Notices.Changed(cityID)
	return nil
}
