package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/secret"
)

// makeDataDir creates the data directory if it is missing. Its errors say in
// plain words why the directory cannot be used.
func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data directory %s: %w; create it yourself or choose another with the setting data", dir, err)
	}
	probe, err := os.CreateTemp(dir, ".write-test-*")
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("data directory %s cannot be written to: %w; give it to the user that runs ticketfrei (uid %d)", dir, err, os.Getuid())
	}
	if err != nil {
		return fmt.Errorf("data directory %s cannot be written to: %w", dir, err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}

// nameOldQueue says in the log that there is a queue of an earlier version, which
// is not read any more.
func (s *server) nameOldQueue() {
	dir := filepath.Join(s.cfg.Data, "queue")
	if _, err := os.Stat(dir); err == nil {
		s.log.Warn("the queue of an earlier version is not read any more: what was waiting in it is not sent. "+
			"Let that version send it first if you need it, then delete the directory", "dir", dir)
	}
}

// openStore opens the database where the settings say that it is.
func openStore(ctx context.Context, cfg *config.Config, log *slog.Logger) (*db.DB, error) {
	if cfg.Database.URL != "" {
		return db.OpenServer(ctx, cfg.Database.URL, time.Now, log)
	}
	return db.Open(ctx, cfg.Data, time.Now, log)
}

// warnOfReaders says where the way to the database is open to others.
func warnOfReaders(url string, log *slog.Logger) {
	if hosts := db.Unencrypted(url); len(hosts) > 0 {
		log.Warn("the way to the database may be without encryption: whoever is on it reads the database's password and addresses of moderators; "+
			"write sslmode=verify-full into database.url", "hosts", strings.Join(hosts, ","))
	}
}

// openDatabase opens the database and the box that seals its secrets, and
// brings the tables up to date. Two processes that do so at once take turns. newKey
// goes on with another secret key than the database was written with.
func openDatabase(ctx context.Context, cfg *config.Config, definitions []bots.Definition, log *slog.Logger, newKey bool) (*db.DB, *secret.Box, error) {
	unlock, err := lockFile(cfg.Data, "migrate.lock", true)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	d, err := openStore(ctx, cfg, log)
	if err != nil {
		return nil, nil, err
	}
	key := &keyring{cfg: cfg, db: d, definitions: definitions, log: log, newKey: newKey}
	if err := key.unlock(ctx); err != nil {
		d.Close()
		return nil, nil, err
	}
	if err := d.Migrate(ctx, key.box, migrationsOf(definitions, key.box)); err != nil {
		d.Close()
		return nil, nil, err
	}
	if err := key.settle(ctx); err != nil {
		d.Close()
		return nil, nil, err
	}
	if err := d.Rewrite(ctx); err != nil {
		log.Error("what earlier versions have deleted may still be in the database's file; the next start tries again", "err", err)
	}
	return d, key.box, nil
}

// begun is an error where no server has ever worked: a command that makes a database beside
// the one that is meant would seem to work.
func begun(cfg *config.Config) error {
	const first = `start the server once ("ticketfrei serve"), or name the directory that it works in with the setting data`
	if info, err := os.Stat(cfg.Data); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no data directory %s: %s", absolute(cfg.Data), first)
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, db.FileName)); cfg.Database.URL == "" && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database in %s yet: %s", absolute(cfg.Data), first)
	}
	return nil
}

// absolute is the whole path of a file or directory, for people.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// leaveRunning refuses to bring the database up to date under a program that runs, which
// could not write to it any more. On a server both may.
func leaveRunning(ctx context.Context, cfg *config.Config, definitions []bots.Definition) error {
	if cfg.Database.URL != "" {
		return nil
	}
	v, err := openView(ctx, cfg, definitions)
	if err != nil {
		return nil // openDatabase says what is wrong
	}
	defer v.Close()
	if v.other == nil || v.other.newer { // which openDatabase refuses by itself
		return nil
	}
	unlock, err := lockFile(cfg.Data, serveLock, false)
	if errors.Is(err, errLocked) {
		return fmt.Errorf("an earlier version of ticketfrei is running on %s: use that version for this too, or upgrade first: %s", cfg.Data, v.other.todo)
	}
	if err == nil {
		unlock()
	}
	return nil
}

// withDatabase reads the settings and runs work with the database open.
func (f settingsFlags) withDatabase(c *console, work func(*console, *config.Config, *db.DB, []bots.Definition) error) error {
	definitions := all.Networks()
	cfg, err := f.load(c, definitions)
	if err != nil {
		return err
	}
	if err := errors.Join(begun(cfg), leaveRunning(c.ctx, cfg, definitions)); err != nil {
		return err
	}
	d, _, err := openDatabase(c.ctx, cfg, definitions, slog.New(slog.DiscardHandler), false)
	if err != nil {
		return err
	}
	defer d.Close()
	return work(c, cfg, d, definitions)
}
