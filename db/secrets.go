package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/secret"
)

// Secrets holds the keys and certificates that the program makes for itself,
// sealed. Their names are paths, such as "acme/users/key", and can be read.
type Secrets struct {
	db  *DB
	box *secret.Box
}

// Secrets returns the store of what the program makes for itself. box seals it.
func (d *DB) Secrets(box *secret.Box) *Secrets { return &Secrets{d, box} }

// HoldLock is DB.HoldLock.
func (s *Secrets) HoldLock(ctx context.Context, name, holder string, life time.Duration) (held bool, err error) {
	return s.db.HoldLock(ctx, name, holder, life)
}

// FreeLock is DB.FreeLock.
func (s *Secrets) FreeLock(ctx context.Context, name, holder string) error {
	return s.db.FreeLock(ctx, name, holder)
}

// Get returns a secret and when it was put there. The error is ErrNotFound if
// there is none, and if it was sealed with a key that is lost: what cannot be read
// is made once more.
func (s *Secrets) Get(ctx context.Context, name string) (value string, modified time.Time, err error) {
	var sealed string
	var ms int64
	if err := s.db.ReadRow(ctx, "SELECT value, modified FROM secrets WHERE name = ?", name).Scan(&sealed, &ms); err != nil {
		return "", time.Time{}, fmt.Errorf("read secret %s: %w", name, err)
	}
	if value, err = s.box.Open(secretPlace(name), sealed); err != nil {
		return "", time.Time{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return value, fromMillis(ms), nil
}

// Put stores a secret, in the place of one of that name.
func (s *Secrets) Put(ctx context.Context, name, value string) error {
	sealed, now := s.box.Seal(secretPlace(name), value), millis(s.db.now())
	return s.write(ctx, "store", name, putSecret, name, sealed, now)
}

const putSecret = `INSERT INTO secrets (name, value, modified) VALUES (?, ?, ?)
	ON CONFLICT (name) DO UPDATE SET value = excluded.value, modified = excluded.modified`

// PutNew stores a secret unless there is one of that name that can be read, and returns
// the one that is there afterwards. Processes that make one at the same time keep the
// same.
func (s *Secrets) PutNew(ctx context.Context, name, value string) (kept string, err error) {
	err = s.db.Write(ctx, func(tx *gorm.DB) error {
		if err := LockNames(tx, "secrets:"+name); err != nil {
			return err
		}
		var there []string
		if err := tx.Raw("SELECT value FROM secrets WHERE name = ?", name).Scan(&there).Error; err != nil {
			return err
		}
		for _, sealed := range there {
			if kept, err = s.box.Open(secretPlace(name), sealed); err == nil {
				return nil
			}
		}
		kept = value
		_, err := Exec(tx, putSecret, name, s.box.Seal(secretPlace(name), value), millis(s.db.now()))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("store secret %s: %w", name, err)
	}
	return kept, nil
}

// Delete deletes a secret and all below it. One that is not there is no error.
func (s *Secrets) Delete(ctx context.Context, name string) error {
	first, end := below(name)
	return s.write(ctx, "delete", name, "DELETE FROM secrets WHERE name = ? OR name >= ? AND name < ?", name, first, end)
}

// Below returns the names of all secrets below a path.
func (s *Secrets) Below(ctx context.Context, path string) ([]string, error) {
	first, end := below(path)
	names, err := ReadColumn[string](ctx, s.db, "SELECT name FROM secrets WHERE name >= ? AND name < ? ORDER BY name", first, end)
	if err != nil {
		return nil, fmt.Errorf("list secrets: %w", err)
	}
	return names, nil
}

func (s *Secrets) write(ctx context.Context, what, name, statement string, args ...any) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, statement, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s secret %s: %w", what, name, err)
	}
	return nil
}

// below returns the range of the names below a path: '0' comes after '/'.
func below(path string) (first, end string) { return path + "/", path + "0" }

// secretPlace is where a secret is sealed for.
func secretPlace(name string) string { return "secrets.value:" + name }
