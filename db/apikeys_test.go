package db_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/apikey"
)

func TestAPIKeys(t *testing.T) {
	now := noon
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	gotham, other := dbtest.MustCreateCity(t, d, "gotham"), dbtest.MustCreateCity(t, d, "metropolis")
	add := func(k apikey.Key, hash string) apikey.Key {
		t.Helper()
		made, err := d.AddAPIKey(t.Context(), k, hash)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	made := add(apikey.Key{CityID: gotham.ID, Name: "bot", Rights: []apikey.Right{apikey.Read, apikey.Streams}, Expires: now.Add(time.Hour)}, "h1")
	operator := add(apikey.Key{Rights: []apikey.Right{apikey.All}}, "h2")
	found, err := d.FindAPIKey(t.Context(), "h1")
	made.Slug = "gotham"
	if diff := cmp.Diff(made, found); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := d.FindAPIKey(t.Context(), "H1"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("another hash: %v", err)
	}
	if _, err := d.AddAPIKey(t.Context(), apikey.Key{CityID: 99}, "h9"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("a city that is not there: %v", err)
	}
	if err := d.RemoveAPIKey(t.Context(), other.ID, made.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("of another city: %v", err)
	}
	if err := d.RemoveAPIKey(t.Context(), gotham.ID, operator.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("of the operator: %v", err)
	}
	if list, err := d.AllAPIKeys(t.Context()); err != nil || len(list) != 2 || list[0].ID != operator.ID || list[0].CityID != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if err := d.DeleteCity(t.Context(), gotham.ID); err != nil {
		t.Fatal(err)
	}
	if list, err := d.AllAPIKeys(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestTooManyAPIKeys(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "gotham")
	for i := range db.MaxAPIKeys + 1 {
		_, err := d.AddAPIKey(t.Context(), apikey.Key{CityID: c.ID}, fmt.Sprint(i))
		if full := i == db.MaxAPIKeys; full != errors.Is(err, db.ErrTooMany) {
			t.Errorf("key %d: %v", i, err)
		}
	}
}

// TestAPIAnswers are kept for a day, and go with their key.
func TestAPIAnswers(t *testing.T) {
	now := noon
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	c := dbtest.MustCreateCity(t, d, "gotham")
	k, err := d.AddAPIKey(t.Context(), apikey.Key{CityID: c.ID}, "h")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []db.APIAnswer{{k.ID, "one", "b", "x"}, {k.ID, "two", "b", "y"}, {k.ID + 1, "one", "b", "z"}} {
		if err := d.SaveAPIAnswer(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := d.FindAPIAnswer(t.Context(), k.ID, "one"); err != nil || a.Answer != "x" || a.Body != "b" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := d.FindAPIAnswer(t.Context(), k.ID+1, "one"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("of a key that is not there: %v", err)
	}
	count := func() (n int) {
		t.Helper()
		if err := d.ReadRow(t.Context(), "SELECT count(*) FROM api_answers").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	now = now.Add(25 * time.Hour)
	if _, err := d.FindAPIAnswer(t.Context(), k.ID, "one"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("a day later: %v", err)
	}
	if err := d.DeleteExpired(t.Context(), time.Hour); err != nil || count() != 0 {
		t.Errorf("%d are left, %v", count(), err)
	}
	if err := d.SaveAPIAnswer(t.Context(), db.APIAnswer{KeyID: k.ID, Request: "three"}); err != nil || count() != 1 {
		t.Errorf("%d, %v", count(), err)
	}
	if err := d.RemoveAPIKey(t.Context(), c.ID, k.ID); err != nil || count() != 0 {
		t.Errorf("%d are left of a key that was removed, %v", count(), err)
	}
}
