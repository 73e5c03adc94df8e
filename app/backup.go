package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/secret"
	"ticketfrei/manage"
)

// toStdout is the name of standard output on the command line.
const toStdout = "-"

// How backups in a directory are called.
const (
	backupPrefix = "ticketfrei-"
	backupTime   = "20060102-150405"
	copyEnd      = ".db"  // the database
	keyEnd       = ".key" // its key, beside it
	sealedEnd    = ".age" // both, under a passphrase
)

type backupCommand struct {
	settingsFlags
	jsonFlag
	passphraseFlags
	File string `arg:"" optional:"" help:"File to write, or to replace when the copy is whole; - is standard output."`
	To   string `help:"Directory to which a new backup is added: the database and, beside it, its key." placeholder:"DIR" type:"path"`
	Keep int    `help:"How many backups stay in the directory; 0: all." default:"0" placeholder:"N"`
}

// Run copies the database as it is now, and looks whether the copy is good.
func (cmd *backupCommand) Run(c *console) error {
	if (cmd.File == "") == (cmd.To == "") {
		return &usageError{errors.New("say where the backup goes: a file, - for standard output, or --to DIR")}
	}
	if cmd.Keep < 0 || cmd.Keep > 0 && cmd.To == "" {
		return &usageError{errors.New("--keep N goes with --to DIR")}
	}
	cfg, err := cmd.load(c, all.Networks())
	if err != nil {
		return err
	}
	if cfg.Database.URL != "" {
		return db.ErrBackUpServer
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, db.FileName)); errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; run this as the user that runs ticketfrei", err)
	} else if err != nil {
		return fmt.Errorf("there is no database to back up: %w", err)
	}
	passphrase, err := cmd.passphrase()
	if err != nil {
		return err
	}
	if err := cmd.check(cfg.Data); err != nil {
		return err
	}
	d, err := db.Open(c.ctx, cfg.Data, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer d.Close()
	return cmd.write(c, &backup{cfg: cfg, db: d, passphrase: passphrase})
}

// check refuses to replace what the program needs itself in the data directory,
// and what is no file.
func (cmd *backupCommand) check(data string) error {
	if cmd.File == toStdout || cmd.File == "" {
		return nil
	}
	there, err := os.Lstat(cmd.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !there.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file, and is not replaced; choose another name, or - for standard output", cmd.File)
	}
	for _, name := range []string{db.FileName, db.FileName + "-wal", db.FileName + "-shm", secret.FileName, serveLock, "migrate.lock"} {
		own, err := os.Stat(filepath.Join(data, name))
		if err == nil && os.SameFile(own, there) {
			return fmt.Errorf("%s is in use by the program itself, and is not replaced; choose another name", cmd.File)
		}
	}
	return nil
}

// write makes the backup. Where it goes to standard output, words go elsewhere.
func (cmd *backupCommand) write(c *console, b *backup) error {
	messages, at := c.stdout, b.cfg.Data
	switch {
	case cmd.File == toStdout:
		messages = c.stderr
	case cmd.File != "":
		at = filepath.Dir(cmd.File)
	default:
		if at = cmd.To; os.MkdirAll(at, 0o700) != nil {
			return fmt.Errorf("the directory %s cannot be made", at)
		}
	}
	if err := b.copy(c.ctx, at); err != nil {
		return errors.Join(err, b.clean())
	}
	name, err := cmd.deliver(c, b)
	if err := errors.Join(err, b.clean()); err != nil {
		return err
	}
	if err := b.note(c.ctx, name); err != nil {
		fmt.Fprintf(c.stderr, "ticketfrei: the backup is there, but its time is not stored: %v\n", err)
	}
	hint := ""
	if cmd.To == "" && b.passphrase == "" {
		hint = "; keep it together with a copy of the secret key"
	}
	if cmd.JSON {
		return printJSON(messages, map[string]string{"file": name})
	}
	_, err = fmt.Fprintf(messages, "wrote %s (%s)%s\n", cmp.Or(name, "standard output"), b.found, hint)
	return err
}

// deliver brings the copy to where it is wanted, and returns its name.
func (cmd *backupCommand) deliver(c *console, b *backup) (name string, err error) {
	switch {
	case cmd.File == toStdout:
		return "", b.stream(c.stdout)
	case cmd.File != "":
		return cmd.File, b.place(cmd.File, false)
	}
	name = filepath.Join(cmd.To, backupPrefix+time.Now().UTC().Format(backupTime))
	if b.passphrase != "" {
		name += sealedEnd
	} else {
		name += copyEnd
	}
	if err := b.place(name, true); err != nil {
		return "", err
	}
	return name, removeOld(cmd.To, cmd.Keep)
}

// removeOld keeps the newest backups of a directory; 0: all.
func removeOld(dir string, keep int) error {
	if keep == 0 {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var names []string // without what they end with, the oldest first
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), copyEnd)
		if !ok {
			name, ok = strings.CutSuffix(e.Name(), sealedEnd)
		}
		if _, err := time.Parse(backupTime, strings.TrimPrefix(name, backupPrefix)); ok && err == nil && strings.HasPrefix(name, backupPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var errs []error
	for _, name := range names[:max(0, len(names)-keep)] {
		for _, end := range []string{copyEnd, sealedEnd, keyEnd} {
			if err := os.Remove(filepath.Join(dir, name+end)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// backup is one that is being made.
type backup struct {
	cfg        *config.Config
	db         *db.DB
	passphrase string // empty: none

	dir   string // where it is made: the database and, where it is known, its key
	found string // what is in it
}

// copy makes the copy in a directory of its own in at, and looks whether it is good.
func (b *backup) copy(ctx context.Context, at string) (err error) {
	if b.dir, err = os.MkdirTemp(at, "."+backupPrefix+"*"); err != nil {
		return fmt.Errorf("back up database: %w", err)
	}
	if err := b.db.Backup(ctx, b.database()); err != nil {
		return err
	}
	key, err := keyText(b.cfg)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := writeSynced(b.key(), []byte(key+"\n")); err != nil {
			return err
		}
	}
	b.found, err = examineCopy(ctx, b.cfg, b.dir)
	return err
}

func (b *backup) database() string { return filepath.Join(b.dir, db.FileName) }

func (b *backup) key() string { return filepath.Join(b.dir, secret.FileName) }

// clean removes what is left of making it.
func (b *backup) clean() error {
	if b.dir == "" {
		return nil
	}
	return os.RemoveAll(b.dir)
}

// place brings the copy to a file, and, where withKey is set, its key beside it.
func (b *backup) place(name string, withKey bool) error {
	if b.passphrase != "" {
		sealed := filepath.Join(b.dir, "sealed")
		if err := b.seal(sealed); err != nil {
			return err
		}
		return moveTo(sealed, name)
	}
	if withKey {
		if _, err := os.Stat(b.key()); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the secret key %s is missing, without which nobody reads the backup; a file alone (ticketfrei backup FILE) is written all the same", filepath.Join(b.cfg.Data, secret.FileName))
		}
		if err := moveTo(b.key(), strings.TrimSuffix(name, copyEnd)+keyEnd); err != nil {
			return fmt.Errorf("the secret key cannot be put beside the database: %w", err)
		}
	}
	return moveTo(b.database(), name)
}

// stream writes the copy. Whoever reads may go away at any moment, and take this process along:
// what is left of making it goes first.
func (b *backup) stream(w io.Writer) error {
	f, err := os.Open(b.database())
	if err != nil {
		return err
	}
	defer f.Close()
	key, err := os.ReadFile(b.key())
	if err != nil && (b.passphrase != "" || !errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	if err := b.clean(); err != nil {
		return err
	}
	if b.passphrase != "" {
		return sealBackup(w, b.passphrase, f, key)
	}
	_, err = io.Copy(w, f)
	return err
}

// seal writes database and key under the passphrase to a file, and reads it once more.
func (b *backup) seal(path string) error {
	key, err := os.ReadFile(b.key())
	if err != nil {
		return err
	}
	source, err := os.Open(b.database())
	if err != nil {
		return err
	}
	defer source.Close()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := errors.Join(sealBackup(f, b.passphrase, source, key), f.Sync()); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return openBackup(f, b.passphrase, func(_ string, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
}

// note stores when the backup was made. A database of an earlier version has no place for it.
func (b *backup) note(ctx context.Context, name string) error {
	tables, err := b.db.Tables(ctx)
	if err != nil || !tables["vitals"] {
		return err
	}
	was := manage.BackupVital{At: time.Now().UTC().Truncate(time.Second), File: name}
	if info, err := os.Stat(name); err == nil && name != "" {
		was.Bytes = info.Size()
	}
	return b.db.SaveVital(ctx, manage.VitalBackup, manage.BackupProcess, inJSON(was))
}

// keyText is the secret key as its file has it. The error is fs.ErrNotExist where there is none.
func keyText(cfg *config.Config) (string, error) {
	if cfg.Secret != "" {
		return strings.TrimSpace(cfg.Secret), nil
	}
	raw, err := os.ReadFile(filepath.Join(cfg.Data, secret.FileName))
	return strings.TrimSpace(string(raw)), err
}

// moveTo brings a file to its name in a directory of the same disk, for good.
func moveTo(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncFile(filepath.Dir(to))
}

func writeSynced(path string, text []byte) error {
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	return syncFile(path)
}

// syncFile brings a file, or what is in a directory, to disk.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
