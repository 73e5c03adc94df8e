package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"ticketfrei/internal/secret"
)

// The bounds of what programs and scripts store.
const (
	MaxStoreKey   = 200      // bytes of a key
	MaxStoreValue = 64 << 10 // bytes of a value
	MaxStored     = 1000     // keys of a city, of all owners together
)

// AnyRevision has Store.Put write whatever is there.
const AnyRevision = -1

// What a Store refuses.
var (
	ErrStoreKey   = fmt.Errorf("a key of the store has 1 to %d bytes, and no spaces or control characters", MaxStoreKey)
	ErrStoreValue = fmt.Errorf("a value of the store has at most %d KiB", MaxStoreValue>>10)
	ErrStoreFull  = fmt.Errorf("the store of a city holds at most %d keys: delete some", MaxStored)
	ErrRevision   = errors.New("the value was changed meanwhile: it has another revision")
)

// Store holds what one owner, as an outside program, keeps for a city. Values are sealed;
// keys are not. It goes with the city.
type Store struct {
	db    *DB
	box   *secret.Box
	city  int64
	owner string
}

// Store returns the store of an owner for a city. box seals the values.
func (d *DB) Store(box *secret.Box, cityID int64, owner string) *Store {
	return &Store{db: d, box: box, city: cityID, owner: owner}
}

// Get returns a value and its revision, which is above 0. The error is ErrNotFound where
// there is none, and where it was sealed with a key that is lost.
func (s *Store) Get(ctx context.Context, key string) (value string, revision int64, err error) {
	var sealed string
	err = s.db.ReadRow(ctx, "SELECT value, revision FROM store WHERE city_id = ? AND owner = ? AND key = ?", s.city, s.owner, key).Scan(&sealed, &revision)
	if err != nil {
		return "", 0, fmt.Errorf("read from the store: %w", err)
	}
	if value, err = s.box.Open(s.place(key), sealed); err != nil {
		return "", 0, fmt.Errorf("read from the store: %w: %w", ErrNotFound, err)
	}
	return value, revision, nil
}

// Put stores a value and returns its revision. expected is the revision that it replaces, 0
// where there must be none yet, or AnyRevision; another one is ErrRevision. ErrStoreKey,
// ErrStoreValue and ErrStoreFull say what does not fit; a city that is gone is ErrNotFound.
func (s *Store) Put(ctx context.Context, key, value string, expected int64) (revision int64, err error) {
	if err := CheckStoreKey(key); err != nil {
		return 0, err
	}
	if len(value) > MaxStoreValue {
		return 0, ErrStoreValue
	}
	err = s.db.Write(ctx, func(tx *gorm.DB) (err error) {
		revision, err = s.put(tx, key, s.box.Seal(s.place(key), value), expected)
		return err
	})
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = ErrNotFound
	}
	if err != nil {
		return 0, fmt.Errorf("write to the store: %w", err)
	}
	return revision, nil
}

func (s *Store) put(tx *gorm.DB, key, sealed string, expected int64) (int64, error) {
	if err := Lock(tx, "cities", s.city); err != nil {
		return 0, err
	}
	there, err := s.revision(tx, key)
	if err != nil {
		return 0, err
	}
	if expected != AnyRevision && expected != there {
		return 0, ErrRevision
	}
	if there == 0 {
		var stored int
		if err := tx.Raw("SELECT count(*) FROM store WHERE city_id = ?", s.city).Scan(&stored).Error; err != nil {
			return 0, err
		}
		if stored >= MaxStored {
			return 0, ErrStoreFull
		}
	}
	// The time in it keeps a key that was deleted and stored again from having the
	// revision that it had before.
	revision := max(there+1, millis(s.db.now()))
	return revision, tx.Exec(`INSERT INTO store (city_id, owner, key, value, revision) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (city_id, owner, key) DO UPDATE SET value = excluded.value, revision = excluded.revision`,
		s.city, s.owner, key, sealed, revision).Error
}

// revision returns that of a key; 0 where there is none.
func (s *Store) revision(tx *gorm.DB, key string) (int64, error) {
	var list []int64
	err := tx.Raw("SELECT revision FROM store WHERE city_id = ? AND owner = ? AND key = ?", s.city, s.owner, key).Scan(&list).Error
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0], nil
}

// Delete deletes a key where its revision is the expected one; see Put. A key that is not
// there is ErrNotFound.
func (s *Store) Delete(ctx context.Context, key string, expected int64) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		if err := Lock(tx, "cities", s.city); err != nil {
			return err
		}
		there, err := s.revision(tx, key)
		switch {
		case err != nil:
			return err
		case there == 0:
			return ErrNotFound
		case expected != AnyRevision && expected != there:
			return ErrRevision
		}
		return tx.Exec("DELETE FROM store WHERE city_id = ? AND owner = ? AND key = ?", s.city, s.owner, key).Error
	})
	if err != nil {
		return fmt.Errorf("delete from the store: %w", err)
	}
	return nil
}

// List returns the keys that begin with prefix, in their order.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	keys, err := ReadColumn[string](ctx, s.db, "SELECT key FROM store WHERE city_id = ? AND owner = ? AND substr(key, 1, length(?3)) = ?3 ORDER BY key", s.city, s.owner, prefix)
	if err != nil {
		return nil, fmt.Errorf("list the store: %w", err)
	}
	return keys, nil
}

// Clear deletes everything of the owner within tx.
func (s *Store) Clear(tx *gorm.DB) error {
	return tx.Exec("DELETE FROM store WHERE city_id = ? AND owner = ?", s.city, s.owner).Error
}

// CheckStoreKey says what is wrong with a key.
func CheckStoreKey(key string) error {
	if key == "" || len(key) > MaxStoreKey || !utf8.ValidString(key) {
		return ErrStoreKey
	}
	for _, r := range key {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return ErrStoreKey
		}
	}
	return nil
}

// place is where a value is stored, which sealing binds it to.
func (s *Store) place(key string) string {
	return "store.value:" + strconv.FormatInt(s.city, 10) + ":" + s.owner + ":" + key
}
