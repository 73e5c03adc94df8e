package db_test

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/secret"
)

func mustBox(t *testing.T, key byte) *secret.Box {
	t.Helper()
	box, err := secret.New(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestSecrets(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	s, ctx := d.Secrets(mustBox(t, 7)), t.Context()
	put := func(name, value string) {
		t.Helper()
		if err := s.Put(ctx, name, value); err != nil {
			t.Fatal(err)
		}
	}
	put("mail/key", "alt")
	now = now.Add(time.Hour)
	put("mail/key", "Schlüssel")
	put("mail", "beside what is below it")
	put("mailer/key", "a name that begins alike")
	put("mail/a/b", "deep")

	if got, modified, err := s.Get(ctx, "mail/key"); err != nil || got != "Schlüssel" || !modified.Equal(now) {
		t.Errorf("got %q of %s, %v", got, modified, err)
	}
	if _, _, err := s.Get(ctx, "mail/a"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("a path that is none: %v", err)
	}
	names, err := s.Below(ctx, "mail")
	if diff := cmp.Diff([]string{"mail/a/b", "mail/key"}, names); err != nil || diff != "" {
		t.Errorf("below: %v\n%s", err, diff)
	}
	if err := errors.Join(s.Delete(ctx, "mail"), s.Delete(ctx, "mail")); err != nil {
		t.Error(err)
	}
	all, err := db.ReadColumn[string](ctx, d, "SELECT name FROM secrets")
	if diff := cmp.Diff([]string{"mailer/key"}, all); err != nil || diff != "" {
		t.Errorf("left: %v\n%s", err, diff)
	}
}

// TestSecretsAreSealed looks at the table as somebody does who has the file alone.
func TestSecretsAreSealed(t *testing.T) {
	d := dbtest.MustOpen(t, time.Now, nil)
	ctx := t.Context()
	if err := d.Secrets(mustBox(t, 7)).Put(ctx, "mail/key", "PRIVATE KEY"); err != nil {
		t.Fatal(err)
	}
	values, err := db.ReadColumn[string](ctx, d, "SELECT value FROM secrets")
	if err != nil || len(values) != 1 || strings.Contains(values[0], "PRIVATE") {
		t.Fatalf("stored %q, %v", values, err)
	}
	other := d.Secrets(mustBox(t, 8))
	if got, _, err := other.Get(ctx, "mail/key"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("with another key: %q, %v", got, err)
	}
	if err := other.Put(ctx, "mail/key", "made once more"); err != nil {
		t.Fatal(err)
	}
	if got, _, err := other.Get(ctx, "mail/key"); err != nil || got != "made once more" {
		t.Errorf("afterwards: %q, %v", got, err)
	}
	// Moved to another name it opens nowhere.
	if err := d.Write(ctx, db.SQL("UPDATE secrets SET name = 'web/key'")); err != nil {
		t.Fatal(err)
	}
	if got, _, err := other.Get(ctx, "web/key"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("moved: %q, %v", got, err)
	}
}

// TestSecretsAreMadeOnce has many make the same secret at once.
func TestSecretsAreMadeOnce(t *testing.T) {
	d := dbtest.MustOpen(t, time.Now, nil)
	s, ctx := d.Secrets(mustBox(t, 7)), t.Context()
	kept := make([]string, 8)
	var group sync.WaitGroup
	for i := range kept {
		group.Go(func() {
			var err error
			if kept[i], err = s.PutNew(ctx, "mail/dkim", strconv.Itoa(i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	stored, _, err := s.Get(ctx, "mail/dkim")
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range kept {
		if k != stored {
			t.Errorf("number %d was told %q, stored is %q", i, k, stored)
		}
	}
	// One that was sealed with a key that is lost is made once more.
	other := d.Secrets(mustBox(t, 8))
	if got, err := other.PutNew(ctx, "mail/dkim", "new"); err != nil || got != "new" {
		t.Errorf("with another key: %q, %v", got, err)
	}
}
