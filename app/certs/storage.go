package certs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/caddyserver/certmagic"

	"ticketfrei/db"
)

// storage is where certmagic keeps its accounts, keys and certificates, and what
// it is just proving to an authority: among the secrets, below storageRoot. Its
// locks hold within the process, which is the only one on its database.
type storage struct {
	secrets *db.Secrets

	mu    sync.Mutex
	locks map[string]chan struct{} // closed when the lock is free
}

const storageRoot = "acme"

var _ certmagic.Storage = (*storage)(nil)

func newStorage(secrets *db.Secrets) *storage {
	return &storage{secrets: secrets, locks: make(map[string]chan struct{})}
}

// Store stores a value.
func (s *storage) Store(ctx context.Context, key string, value []byte) error {
	return s.secrets.Put(ctx, path.Join(storageRoot, key), string(value))
}

// Load returns a value. The error is fs.ErrNotExist where there is none.
func (s *storage) Load(ctx context.Context, key string) ([]byte, error) {
	value, _, err := s.secrets.Get(ctx, path.Join(storageRoot, key))
	if err != nil {
		return nil, notExist(err)
	}
	return []byte(value), nil
}

// Delete deletes a value, or all below a key.
func (s *storage) Delete(ctx context.Context, key string) error {
	return s.secrets.Delete(ctx, path.Join(storageRoot, key))
}

// Exists tells whether there is a value, or one below the key.
func (s *storage) Exists(ctx context.Context, key string) bool {
	_, err := s.Stat(ctx, key)
	return err == nil
}

// List returns the keys below a key: all of them, or the next step of each.
func (s *storage) List(ctx context.Context, key string, recursive bool) ([]string, error) {
	names, err := s.secrets.Below(ctx, path.Join(storageRoot, key))
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, name := range names {
		found := strings.TrimPrefix(name, storageRoot+"/")
		if !recursive {
			step, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(found, key), "/"), "/")
			found = path.Join(key, step)
		}
		if len(keys) == 0 || keys[len(keys)-1] != found {
			keys = append(keys, found)
		}
	}
	if keys == nil {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return keys, nil
}

// Stat describes a value, or a key that has values below it.
func (s *storage) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	value, modified, err := s.secrets.Get(ctx, path.Join(storageRoot, key))
	if err == nil {
		return certmagic.KeyInfo{Key: key, Modified: modified, Size: int64(len(value)), IsTerminal: true}, nil
	}
	if !errors.Is(err, db.ErrNotFound) {
		return certmagic.KeyInfo{}, err
	}
	if _, err := s.List(ctx, key, true); err != nil {
		return certmagic.KeyInfo{}, err
	}
	return certmagic.KeyInfo{Key: key}, nil
}

// Lock waits until nobody else has the lock.
func (s *storage) Lock(ctx context.Context, name string) error {
	for {
		held := s.tryLock(name)
		if held == nil {
			return nil
		}
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryLock takes a lock. If somebody has it, it returns what is closed when it is free.
func (s *storage) tryLock(name string) (held chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held = s.locks[name]
	if held == nil {
		s.locks[name] = make(chan struct{})
	}
	return held
}

// Unlock gives a lock back.
func (s *storage) Unlock(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.locks[name]
	if held == nil {
		return fmt.Errorf("unlock %s: nobody has it", name)
	}
	delete(s.locks, name)
	close(held)
	return nil
}

func notExist(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}
