package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
)

// shelf is a store, and how a test uses it.
type shelf struct {
	*testing.T
	*db.Store
}

func (s shelf) put(key, value string, expected int64) int64 {
	s.Helper()
	revision, err := s.Put(s.Context(), key, value, expected)
	if err != nil {
		s.Fatal(err)
	}
	return revision
}

func (s shelf) wants(key, value string) {
	s.Helper()
	if got, _, err := s.Get(s.Context(), key); got != value || err != nil {
		s.Errorf("%s is %q, %v", key, got, err)
	}
}

func (s shelf) refuses(want error, key, value string, expected int64) {
	s.Helper()
	if _, err := s.Put(s.Context(), key, value, expected); !errors.Is(err, want) {
		s.Errorf("put of %.20q: %v, want %v", key, err, want)
	}
}

func TestStore(t *testing.T) {
	d, box := dbtest.MustOpen(t, time.Now, nil), dbtest.MustMakeBox(t)
	city, other := dbtest.MustCreateCity(t, d, "leeds"), dbtest.MustCreateCity(t, d, "york")
	s := shelf{t, d.Store(box, city.ID, "gtfs")}
	first := s.put("stops/plärrer", `{"lat":49.4}`, 0)
	s.refuses(db.ErrRevision, "stops/plärrer", "x", 0)
	second := s.put("stops/plärrer", "U1", first)
	if second <= first {
		t.Errorf("the revisions are %d and %d", first, second)
	}
	s.refuses(db.ErrRevision, "stops/plärrer", "x", first)
	s.wants("stops/plärrer", "U1")
	s.put("stops/rathaus", "", db.AnyRevision)
	s.put("%", "no pattern", db.AnyRevision)
	for prefix, want := range map[string][]string{"": {"%", "stops/plärrer", "stops/rathaus"}, "stops/r": {"stops/rathaus"}, "%": {"%"}, "x": nil} {
		if got, err := s.List(t.Context(), prefix); err != nil || !cmp.Equal(got, want) {
			t.Errorf("below %q: %v, %v", prefix, got, err)
		}
	}
	for _, foreign := range []*db.Store{d.Store(box, other.ID, "gtfs"), d.Store(box, city.ID, "sms")} {
		if _, _, err := foreign.Get(t.Context(), "stops/plärrer"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("another city or owner reads it: %v", err)
		}
	}
	if err := s.Delete(t.Context(), "stops/plärrer", first); !errors.Is(err, db.ErrRevision) {
		t.Errorf("deleted by a former revision: %v", err)
	}
	if err := s.Delete(t.Context(), "stops/plärrer", second); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "stops/plärrer", db.AnyRevision); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestStoreIsBounded(t *testing.T) {
	d, box := dbtest.MustOpen(t, time.Now, nil), dbtest.MustMakeBox(t)
	city := dbtest.MustCreateCity(t, d, "leeds")
	s := shelf{t, d.Store(box, city.ID, "gtfs")}
	for _, key := range []string{"", "a b", "a\nb", "\xff", strings.Repeat("k", db.MaxStoreKey+1)} {
		s.refuses(db.ErrStoreKey, key, "x", db.AnyRevision)
	}
	s.put(strings.Repeat("k", db.MaxStoreKey), strings.Repeat("v", db.MaxStoreValue), 0)
	s.refuses(db.ErrStoreValue, "v", strings.Repeat("v", db.MaxStoreValue+1), 0)
	err := d.Write(t.Context(), func(tx *gorm.DB) error {
		for i := range db.MaxStored - 1 {
			if err := tx.Exec("INSERT INTO store VALUES (?, 'sms', ?, '', 1)", city.ID, fmt.Sprint(i)).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.refuses(db.ErrStoreFull, "new", "x", db.AnyRevision)
	s.put(strings.Repeat("k", db.MaxStoreKey), "what is there is changed", db.AnyRevision)
	shelf{t, d.Store(box, 99, "gtfs")}.refuses(db.ErrNotFound, "k", "x", db.AnyRevision)
}

func TestStoredValuesAreSealed(t *testing.T) {
	d, box := dbtest.MustOpen(t, time.Now, nil), dbtest.MustMakeBox(t)
	city := dbtest.MustCreateCity(t, d, "leeds")
	s := shelf{t, d.Store(box, city.ID, "gtfs")}
	s.put("number", "0911 12345", 0)
	var value string
	if err := d.ReadRow(t.Context(), "SELECT value FROM store").Scan(&value); err != nil || strings.Contains(value, "0911") {
		t.Errorf("stored as %q, %v", value, err)
	}
	if err := d.Write(context.WithoutCancel(t.Context()), s.Clear); err != nil {
		t.Error(err)
	}
	if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 0 {
		t.Errorf("left: %v, %v", keys, err)
	}
}
