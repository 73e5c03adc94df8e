package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/secret"
)

// openBox opens the box that seals what the database holds. It creates a key only
// for a database that holds nothing sealed yet: with another key, tokens and
// addresses could never be read again.
func openBox(ctx context.Context, cfg *config.Config, d *db.DB, definitions []bots.Definition) (*secret.Box, error) {
	path := filepath.Join(cfg.Data, secret.FileName)
	if _, err := os.Stat(path); cfg.Secret == "" && errors.Is(err, fs.ErrNotExist) {
		table, err := sealedTable(ctx, d, definitions)
		if err != nil {
			return nil, err
		}
		if table != "" {
			return nil, fmt.Errorf("the secret key that %s was written with is missing: restore %s from your backup, or set TICKETFREI_SECRET as before", table, path)
		}
	}
	box, err := secret.Open(cfg.Data, cfg.Secret)
	if err != nil {
		return nil, err
	}
	return box, checkOldTokens(ctx, d, box)
}

// sealedTable returns a table that holds what was sealed with the key, or what
// its authors' hashes were made with; "" if there is none.
func sealedTable(ctx context.Context, d *db.DB, definitions []bots.Definition) (string, error) {
	tables, err := tablesOf(ctx, d)
	if err != nil {
		return "", err
	}
	for _, def := range definitions {
		for _, suffix := range []string{"_accounts", "_recipients", "_bots", "_subscribers"} {
			table := def.Name + suffix
			if !tables[table] {
				continue
			}
			var rows int
			if err := d.Read(ctx).Raw("SELECT count(*) FROM " + table).Scan(&rows).Error; err != nil {
				return "", fmt.Errorf("look into %s: %w", table, err)
			}
			if rows > 0 {
				return table, nil
			}
		}
	}
	return "", nil
}

// tablesOf are the names of the database's tables.
func tablesOf(ctx context.Context, d *db.DB) (map[string]bool, error) {
	names, err := db.ReadColumn[string](ctx, d, "SELECT name FROM sqlite_master WHERE type = 'table'")
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	tables := make(map[string]bool, len(names))
	for _, name := range names {
		tables[name] = true
	}
	return tables, nil
}

// checkOldTokens looks at a database whose addresses are not sealed yet, and are
// about to be: if its tokens cannot be read with the key, it is the wrong one,
// and the addresses would be lost to the right one.
func checkOldTokens(ctx context.Context, d *db.DB, box *secret.Box) error {
	tables, err := tablesOf(ctx, d)
	if err != nil || !tables["mail_subscribers"] {
		return err
	}
	tried := 0
	for _, table := range []string{"telegram_bots", "mastodon_accounts"} {
		if !tables[table] {
			continue
		}
		opened, n, err := tryTokens(ctx, d, box, table)
		if err != nil || opened {
			return err
		}
		tried += n
	}
	if tried == 0 {
		return nil
	}
	return errors.New("none of the logins in the database can be read with this secret key: start with the key that it was written with. If that key is lost, disconnect the bots of Mastodon and Telegram with the version before this one, then upgrade")
}

// tryTokens reports whether some token of the table can be read, and how many
// there are.
func tryTokens(ctx context.Context, d *db.DB, box *secret.Box, table string) (opened bool, n int, err error) {
	var rows []struct {
		BotID int64
		Token string
	}
	if err := d.Read(ctx).Raw("SELECT bot_id, token FROM " + table).Scan(&rows).Error; err != nil {
		return false, 0, fmt.Errorf("look into %s: %w", table, err)
	}
	for _, r := range rows {
		if _, err := box.Open(fmt.Sprintf("%s.token:%d", table, r.BotID), r.Token); err == nil {
			return true, len(rows), nil
		}
	}
	return false, len(rows), nil
}
