package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// toStdout is the name of standard output on the command line.
const toStdout = "-"

type backupCommand struct {
	settingsFlags
	File string `arg:"" help:"File to write, or to replace when the copy is whole; - is standard output."`
}

// Run copies the database as it is now.
func (cmd *backupCommand) Run(c *console) error {
	cfg, err := cmd.load(c, all.Networks())
	if err != nil {
		return err
	}
	if cfg.Database.URL != "" {
		return db.ErrBackUpServer
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, db.FileName)); err != nil {
		return fmt.Errorf("there is no database to back up: %w", err)
	}
	if err := cmd.check(cfg.Data); err != nil {
		return err
	}
	d, err := db.Open(c.ctx, cfg.Data, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer d.Close()
	return cmd.write(c, d)
}

// check refuses to replace what the program needs itself in the data directory,
// and what is no file.
func (cmd *backupCommand) check(data string) error {
	if cmd.File == toStdout {
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

// write makes the copy. Where it goes to standard output, words go elsewhere.
func (cmd *backupCommand) write(c *console, d *db.DB) error {
	messages, name := c.stdout, cmd.File
	var err error
	if cmd.File == toStdout {
		messages, name = c.stderr, "standard output"
		err = d.BackupTo(c.ctx, c.stdout)
	} else {
		err = d.Backup(c.ctx, cmd.File)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(messages, "wrote %s; keep it together with a copy of the secret key\n", name)
	return err
}
