package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

type moveDatabaseCommand struct {
	settingsFlags
	URL string `arg:"" help:"The new database, empty: postgres://user:password@host/name"`
}

// Run copies the database of the data directory to a server.
func (cmd *moveDatabaseCommand) Run(c *console) error {
	cfg, definitions, err := cmd.loadNetworks(c)
	if err != nil {
		return err
	}
	if cfg.Database.URL != "" {
		return errors.New("the setting database.url names a server already: leave it out for this command, which reads the database in the data directory")
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, db.FileName)); err != nil {
		return fmt.Errorf("there is no database to move: %w", err)
	}
	unlock, err := lockFile(cfg.Data, serveLock, false)
	if errors.Is(err, errLocked) {
		return fmt.Errorf("ticketfrei is running on %s: stop it first, and start it again with the new database", cfg.Data)
	}
	if err != nil {
		return err
	}
	defer unlock()
	log := slog.New(slog.DiscardHandler)
	from, box, err := openDatabase(c.ctx, cfg, definitions, log, false)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := db.OpenServer(c.ctx, cmd.URL, time.Now, log)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := isNew(c.ctx, to); err != nil {
		return err
	}
	if err := to.Migrate(c.ctx, box, migrationsOf(definitions, box)); err != nil {
		return err
	}
	done, err := from.MoveTo(c.ctx, to)
	if err != nil {
		return fmt.Errorf("%w; nothing was moved", err)
	}
	cmd.say(c, done)
	if cfg.Secret == "" {
		fmt.Fprintf(c.stdout, "Then set database.url to it, and secret to what stands in %s: both in the same way for all processes.\n", filepath.Join(cfg.Data, secret.FileName))
	} else {
		fmt.Fprintln(c.stdout, "Then set database.url to it, and leave secret as it is: both in the same way for all processes.")
	}
	return nil
}

// isNew is an error where a program has worked with a database. It is asked before tables are
// brought up to date, which would take our key for that of what they hold.
func isNew(ctx context.Context, d *db.DB) error {
	switch _, err := d.Fingerprint(ctx); {
	case err == nil:
		return errors.New("the database on the server is not empty: a program has worked with it. Make a new one; nothing was moved")
	case !errors.Is(err, db.ErrNotFound):
		return err
	}
	return nil
}

// say lists what was moved.
func (cmd *moveDatabaseCommand) say(c *console, done []db.Moved) {
	rows := int64(0)
	for _, m := range done {
		switch {
		case m.Left && m.Rows > 0:
			fmt.Fprintf(c.stderr, "Left behind: %d rows of the table %s, which belongs to a network or program that is not there.\n", m.Rows, m.Table)
		case !m.Left:
			rows += m.Rows
		}
	}
	fmt.Fprintf(c.stdout, "Moved: %d rows. What is in the data directory is as it was; keep it until the new database has a backup, and do not serve it again.\n", rows)
}
