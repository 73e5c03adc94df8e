package certs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"

	"ticketfrei/db"
	"ticketfrei/internal/backoff"
)

// storage is where certmagic keeps its accounts, keys and certificates, and what
// it is just proving to an authority: among the secrets, below storageRoot. Its
// locks hold for all processes on the database.
type storage struct {
	secrets *db.Secrets
	holder  string // of locks

	mu    sync.Mutex
	locks map[string]*lock // that this process has, or waits for
}

// lock is one that this process has.
type lock struct {
	free    chan struct{} // closed when it is given back
	stop    func()        // no longer keeps it from other processes; nil: they may have it
	keeping sync.WaitGroup
}

const (
	// lockLife is how long a lock of a process holds that does not say that it is alive.
	lockLife = 2 * time.Minute
	// lockRetry is how often a lock is tried that another process has.
	lockRetry = time.Second
)

const storageRoot = "acme"

var _ certmagic.Storage = (*storage)(nil)

func newStorage(secrets *db.Secrets) *storage {
	return &storage{secrets: secrets, holder: rand.Text(), locks: make(map[string]*lock)}
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

// Lock waits until nobody else has the lock, in this process or another. What another has
// taken that ended without giving it back is free after lockLife.
func (s *storage) Lock(ctx context.Context, name string) error {
	for held := s.tryLock(name); held != nil; held = s.tryLock(name) {
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := s.await(ctx, name); err != nil {
		s.release(name)
		return err
	}
	return nil
}

// await waits until no other process has the lock, and has it kept for this one.
func (s *storage) await(ctx context.Context, name string) error {
	for {
		held, err := s.secrets.HoldLock(ctx, name, s.holder, lockLife)
		if err != nil {
			return err
		}
		if held {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(backoff.Jitter(lockRetry)):
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := s.locks[name]
	l.stop = stop
	l.keeping.Go(func() { s.keep(keeping, name) })
	return nil
}

// keep has the lock not end before it is given back. Where it cannot be kept, as the
// database is away, another process may take it after its life: two ask the authority then.
func (s *storage) keep(ctx context.Context, name string) {
	tick := time.NewTicker(lockLife / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = s.secrets.HoldLock(ctx, name, s.holder, lockLife)
		}
	}
}

// tryLock takes a lock within this process. If somebody has it, it returns what is closed
// when it is free.
func (s *storage) tryLock(name string) (held chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.locks[name]; l != nil {
		return l.free
	}
	s.locks[name] = &lock{free: make(chan struct{})}
	return nil
}

// Unlock gives a lock back.
func (s *storage) Unlock(ctx context.Context, name string) error {
	s.mu.Lock()
	l := s.locks[name]
	s.mu.Unlock()
	if l == nil || l.stop == nil {
		return fmt.Errorf("unlock %s: nobody has it", name)
	}
	l.stop()
	l.keeping.Wait()
	err := s.secrets.FreeLock(ctx, name, s.holder)
	s.release(name)
	return err
}

// release gives a lock back within this process.
func (s *storage) release(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.locks[name].free)
	delete(s.locks, name)
}

func notExist(err error) error {
	if errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}
