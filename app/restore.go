package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/secret"
)

// restoreCommand brings a backup back.
type restoreCommand struct {
	settingsFlags
	jsonFlag
	yesFlag
	passphraseFlags
	File string `arg:"" help:"File of ticketfrei backup: a .db, whose key lies beside it as .key or is that of now, or an .age." type:"path"`
}

// errRestoreServer is what restore says of a database on PostgreSQL.
var errRestoreServer = errors.New("the database is on a PostgreSQL server, which has a way of its own: " +
	"pg_restore --clean --if-exists --dbname=\"<database.url>\" ticketfrei.dump, while nothing runs, and with the setting secret of then")

// Run puts the backup in the place of the database, when it has looked whether it is good.
func (cmd *restoreCommand) Run(c *console) error {
	definitions := all.Networks()
	cfg, err := cmd.load(c, definitions)
	if err != nil {
		return err
	}
	if cfg.Database.URL != "" {
		return errRestoreServer
	}
	passphrase, err := cmd.passphrase()
	if err != nil {
		return err
	}
	file, err := os.Open(cmd.File)
	if err != nil {
		return err
	}
	defer file.Close()
	_, was := os.Stat(cfg.Data)
	if err := makeDataDir(cfg.Data); err != nil {
		return err
	}
	unlock, err := lockFile(cfg.Data, serveLock, false)
	if errors.Is(err, errLocked) {
		return fmt.Errorf("ticketfrei is running on the data directory %s: stop it first", cfg.Data)
	}
	if err != nil {
		return err
	}
	defer unlock()
	if err := removeUnfinished(cfg.Data); err != nil {
		return err
	}
	err = cmd.restore(c, cfg, definitions, file, passphrase)
	if err != nil && errors.Is(was, fs.ErrNotExist) {
		return errors.Join(err, os.RemoveAll(cfg.Data)) // which this command has made
	}
	return err
}

// unfinished is what the names of directories in the data directory begin with in which a
// backup is put together.
const unfinished = ".restore-"

// removeUnfinished removes what a restore has left in a data directory that was killed: a
// database that nobody would look after.
func removeUnfinished(data string) error {
	entries, err := os.ReadDir(data)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unfinished) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(data, e.Name())))
		}
	}
	return err
}

func (cmd *restoreCommand) restore(c *console, cfg *config.Config, definitions []bots.Definition, file *os.File, passphrase string) error {
	dir, err := os.MkdirTemp(cfg.Data, unfinished+"*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := cmd.unpack(cfg, file, passphrase, dir); err != nil {
		return err
	}
	found, err := examineCopy(c.ctx, cfg, dir)
	if err == nil {
		err = knownTables(c.ctx, cfg, definitions, dir)
	}
	if err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(cfg.Data, db.FileName))
	if err == nil {
		err = cmd.confirm(c, fmt.Sprintf("There is a database in %s. Put the backup (%s) in its place? What is there now is lost.", cfg.Data, found))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := takePlace(cfg, dir); err != nil {
		return fmt.Errorf("the backup could not be put in the place of the database, try again: %w", err)
	}
	if err := giveAllToOwner(cfg.Data); err != nil {
		return err
	}
	return cmd.tell(c, map[string]string{"file": cmd.File}, "restored %s (%s); start the server: ticketfrei serve\n", cmd.File, found)
}

// unpack puts the backup's database and its key into a directory.
func (cmd *restoreCommand) unpack(cfg *config.Config, file *os.File, passphrase, dir string) error {
	begin := make([]byte, len(ageMagic))
	if _, err := io.ReadFull(file, begin); err != nil {
		return fmt.Errorf("%s is no backup: %w", cmd.File, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if string(begin) == ageMagic {
		if passphrase == "" {
			return fmt.Errorf("%s is under a passphrase: name a file with --passphrase-file, or set TICKETFREI_BACKUP_PASSPHRASE", cmd.File)
		}
		return openBackup(file, passphrase, func(name string, r io.Reader) error {
			if name != db.FileName && name != secret.FileName {
				return nil
			}
			return writeFrom(filepath.Join(dir, name), r)
		})
	}
	if !strings.HasPrefix(string(begin), "SQLite format 3") {
		return fmt.Errorf("%s is no backup of ticketfrei", cmd.File)
	}
	if err := writeFrom(filepath.Join(dir, db.FileName), file); err != nil {
		return err
	}
	key, err := os.ReadFile(strings.TrimSuffix(cmd.File, copyEnd) + keyEnd)
	if errors.Is(err, fs.ErrNotExist) {
		var text string
		text, err = keyText(cfg)
		key = []byte(text + "\n")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the key of the backup is missing: put it beside it as %s, or into %s", strings.TrimSuffix(cmd.File, copyEnd)+keyEnd, filepath.Join(cfg.Data, secret.FileName))
	}
	if err != nil {
		return err
	}
	return writeSynced(filepath.Join(dir, secret.FileName), key)
}

// takePlace puts the files of a directory in the place of those of the data directory.
func takePlace(cfg *config.Config, dir string) error {
	for _, end := range []string{"-wal", "-shm"} { // of the database that goes
		if err := os.Remove(filepath.Join(cfg.Data, db.FileName+end)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if cfg.Secret == "" {
		if err := moveTo(filepath.Join(dir, secret.FileName), filepath.Join(cfg.Data, secret.FileName)); err != nil {
			return err
		}
	}
	return moveTo(filepath.Join(dir, db.FileName), filepath.Join(cfg.Data, db.FileName))
}

// writeFrom writes what r has to a new file, to disk.
func writeFrom(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

// examineCopy looks whether a copy of the database in a directory is whole, and its key, where
// there is one, the one that it was written with. It returns what is in it, in words.
func examineCopy(ctx context.Context, cfg *config.Config, dir string) (found string, err error) {
	d, err := db.OpenReadOnly(ctx, dir, time.Now, slog.New(slog.DiscardHandler))
	if cause, damaged := db.DamageOf(err); damaged {
		return "", fmt.Errorf("the copy is damaged: %w", cause)
	}
	if err != nil {
		return "", err
	}
	defer d.Close()
	if err := d.CheckIntegrity(ctx); err != nil {
		return "", fmt.Errorf("the copy is damaged: %w", err)
	}
	if err := keyFits(ctx, cfg, d, dir); err != nil {
		return "", err
	}
	tables, err := d.Tables(ctx)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, table := range []string{"cities", "moderators", "bots", "reports"} {
		if !tables[table] {
			continue
		}
		var n int
		if err := d.ReadRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return "", err
		}
		parts = append(parts, fmt.Sprintf("%s: %d", table, n))
	}
	if len(parts) == 0 {
		return "", errors.New("it is no database of ticketfrei")
	}
	return strings.Join(parts, ", "), nil
}

// keyFits is an error where the key is another one than the database was written with.
func keyFits(ctx context.Context, cfg *config.Config, d *db.DB, dir string) error {
	stored, err := d.Fingerprint(ctx)
	if errors.Is(err, db.ErrNotFound) {
		return nil // of an earlier version: the start looks
	}
	if err != nil {
		return err
	}
	box, err := secret.Read(dir, cfg.Secret)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if fingerprintOf(box) == stored {
		return nil
	}
	if cfg.Secret != "" {
		return errors.New("the database was written with another secret key than that of the setting secret: set the key that belongs to it")
	}
	return errors.New("the database was written with another secret key: find the one that belongs to it, and put it beside the backup")
}

// knownTables is an error where a newer version has written the database in a directory.
func knownTables(ctx context.Context, cfg *config.Config, definitions []bots.Definition, dir string) error {
	there := *cfg
	there.Data = dir
	v, err := openView(ctx, &there, definitions)
	if err != nil {
		return err
	}
	defer v.Close()
	if v.other != nil && v.other.newer {
		return v.other
	}
	return nil
}
