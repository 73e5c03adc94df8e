package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/secret"
)

// errNoDatabase means that the program was never started on a data directory.
var errNoDatabase = errors.New("there is no database")

// view is the database as commands see it that only look: they change nothing, also
// where a program of another version runs.
type view struct {
	*db.DB
	box *secret.Box
	// other tells that another version wrote the database, which may be read in part;
	// nil: this one did.
	other *otherVersion
}

// otherVersion says by which version a database was written, and what to do.
type otherVersion struct {
	found, todo string
	newer       bool
}

func (o *otherVersion) Error() string { return "the database " + o.found + ": " + o.todo }

// openView opens the database with its secret key. The error is errNoDatabase where
// there is none, or no directory.
func openView(ctx context.Context, cfg *config.Config, definitions []bots.Definition) (*view, error) {
	log := slog.New(slog.DiscardHandler)
	d, err := viewStore(ctx, cfg, log)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noDatabase(cfg.Data)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w; run this as the user that runs ticketfrei", err)
	}
	if err != nil {
		return nil, err
	}
	v := &view{DB: d}
	if err := v.open(ctx, cfg, definitions, log); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return v, nil
}

// viewStore opens the database where the settings say that it is, to look at it.
func viewStore(ctx context.Context, cfg *config.Config, log *slog.Logger) (*db.DB, error) {
	if cfg.Database.URL != "" {
		return db.ViewServer(ctx, cfg.Database.URL, time.Now, log)
	}
	return db.OpenReadOnly(ctx, cfg.Data, time.Now, log)
}

// noDatabase tells a directory in which the program never ran from one that is not there.
func noDatabase(dir string) error {
	dir = absolute(dir)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: there is not even a directory %s (setting data)", errNoDatabase, dir)
	}
	return fmt.Errorf("%w in %s yet (setting data)", errNoDatabase, dir)
}

func (v *view) open(ctx context.Context, cfg *config.Config, definitions []bots.Definition, log *slog.Logger) error {
	tables, err := v.Tables(ctx)
	if err != nil {
		return err
	}
	if !tables["core_migrations"] { // the first start got no further
		if v.OnServer() {
			return fmt.Errorf("%w on the server of database.url yet: it is empty", errNoDatabase)
		}
		return noDatabase(cfg.Data)
	}
	key := &keyring{cfg: cfg, db: v.DB, definitions: definitions, log: log, looks: true}
	if err := key.unlock(ctx); err != nil {
		return err
	}
	v.box = key.box
	v.UseKey(v.box)
	schema, err := v.Schema(ctx, v.box, migrationsOf(definitions, v.box))
	v.other = versionOfTables(schema)
	return err
}

// versionOfTables returns nil if this version wrote the tables.
func versionOfTables(s db.Schema) *otherVersion {
	switch {
	case len(s.Unknown) > 0:
		return &otherVersion{found: "was written by a newer version of Ticketfrei (with " + strings.Join(s.Unknown, ", ") + ")",
			todo: "use that version, or restore a backup from before the upgrade", newer: true}
	case len(s.Missing) > 0:
		return &otherVersion{found: "was written by an earlier version of Ticketfrei (without " + strings.Join(s.Missing, ", ") + ")",
			todo: `back it up, then stop that version and start this one ("ticketfrei serve"), which brings it up to date`}
	}
	return nil
}

// migrationsOf are the networks' migrations, by network.
func migrationsOf(definitions []bots.Definition, box *secret.Box) map[string][]*gormigrate.Migration {
	lists := make(map[string][]*gormigrate.Migration, len(definitions))
	for _, def := range definitions {
		if def.Migrations != nil {
			lists[def.Name] = def.Migrations(box)
		}
	}
	return lists
}
