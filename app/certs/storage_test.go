package certs

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/secret"
)

func mustStorage(t *testing.T) *storage {
	t.Helper()
	box, err := secret.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return newStorage(dbtest.MustOpen(t, time.Now, nil).Secrets(box))
}

// TestStorage holds the storage to what certmagic asks of one.
func TestStorage(t *testing.T) {
	s, ctx := mustStorage(t), t.Context()
	for _, key := range []string{"certificates/ca/a.example/a.key", "certificates/ca/a.example/a.crt", "certificates/ca/b.example/b.key", "users/u.key"} {
		if err := s.Store(ctx, key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Load(ctx, "users/u.key"); err != nil || string(got) != "users/u.key" {
		t.Errorf("loaded %q, %v", got, err)
	}
	for _, l := range []struct {
		key       string
		recursive bool
		want      []string
	}{
		{"", false, []string{"certificates", "users"}},
		{"certificates/ca", false, []string{"certificates/ca/a.example", "certificates/ca/b.example"}},
		{"certificates/ca/a.example", true, []string{"certificates/ca/a.example/a.crt", "certificates/ca/a.example/a.key"}},
	} {
		got, err := s.List(ctx, l.key, l.recursive)
		if diff := cmp.Diff(l.want, got); err != nil || diff != "" {
			t.Errorf("list %q: %v\n%s", l.key, err, diff)
		}
	}
	if info, err := s.Stat(ctx, "certificates/ca"); err != nil || info.IsTerminal || !s.Exists(ctx, "certificates") {
		t.Errorf("what only leads on: %+v, %v", info, err)
	}
	if info, err := s.Stat(ctx, "users/u.key"); err != nil || !info.IsTerminal || info.Size != int64(len("users/u.key")) || info.Modified.IsZero() {
		t.Errorf("a value: %+v, %v", info, err)
	}
	if err := errors.Join(s.Delete(ctx, "certificates/ca/a.example"), s.Delete(ctx, "nothing")); err != nil {
		t.Error(err)
	}
	for _, key := range []string{"certificates/ca/a.example/a.key", "certificates", "nothing"} {
		if _, err := s.Load(ctx, key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("load %s: %v", key, err)
		}
	}
	_, listed := s.List(ctx, "nothing", true)
	_, stat := s.Stat(ctx, "nothing")
	if !errors.Is(listed, fs.ErrNotExist) || !errors.Is(stat, fs.ErrNotExist) || s.Exists(ctx, "nothing") {
		t.Errorf("nothing: %v, %v", listed, stat)
	}
}

func TestStorageLocks(t *testing.T) {
	s := mustStorage(t)
	if err := s.Lock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.Lock(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Lock(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up is told %v", err)
	}
	got := make(chan error, 1)
	go func() { got <- s.Lock(t.Context(), "a") }()
	if err := s.Unlock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	if err := s.Unlock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.Unlock(t.Context(), "a"); err == nil {
		t.Error("a lock that nobody has was given back")
	}
}

// TestStorageLocksOfProcesses has two processes want a lock, one of which ends without
// giving its next one back.
func TestStorageLocksOfProcesses(t *testing.T) {
	if !dbtest.OnServer() {
		t.Skip("of PostgreSQL alone: install it, and give the URL of a server in " + dbtest.ServerVariable)
	}
	one, other := dbtest.MustOpenTwo(t, time.Now, nil)
	box := dbtest.MustMakeBox(t)
	a, b := newStorage(one.Secrets(box)), newStorage(other.Secrets(box))
	if err := a.Lock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if held, err := one.HoldLock(t.Context(), "b", "somebody who is gone", time.Millisecond); !held || err != nil {
		t.Fatal(held, err)
	}
	if held, err := other.HoldLock(t.Context(), "a", b.holder, lockLife); held || err != nil {
		t.Errorf("the other process has it, too: %v, %v", held, err)
	}
	if err := b.Lock(t.Context(), "b"); err != nil {
		t.Errorf("what is over is not free: %v", err)
	}
	waiting, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Lock(waiting, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting ends with %v", err)
	}
	got := make(chan error, 1)
	go func() { got <- b.Lock(t.Context(), "a") }()
	if err := a.Unlock(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a", "b"} {
		if err := b.Unlock(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if err := b.Unlock(t.Context(), "b"); err == nil {
		t.Error("what nobody has was given back")
	}
}
