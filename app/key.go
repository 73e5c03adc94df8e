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

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/secret"
)

// keyring checks at the start that the secret key is the one of the database, and
// changes it where that is asked for.
type keyring struct {
	cfg         *config.Config
	db          *db.DB
	definitions []bots.Definition
	log         *slog.Logger
	newKey      bool // go on with another key than the database was written with
	looks       bool // makes no key

	box *secret.Box
	// stored is the fingerprint in the database; empty where it has none yet.
	stored string
	lost   bool // the key is another one, and that is wanted
}

// hint is what every refusal of a key ends with.
const hint = "If the key is lost for good, \"ticketfrei serve --new-key\" goes on with another; docs/OPERATING.md says what that costs"

// unlock opens the box that seals what the database holds. With another key than
// the database was written with, tokens and addresses could never be read again:
// that is refused, and no key is made for such a database, unless newKey.
func (k *keyring) unlock(ctx context.Context) error {
	var err error
	if k.stored, err = k.db.Fingerprint(ctx); err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	if !k.newKey {
		if err := k.needsFile(ctx); err != nil {
			return err
		}
	}
	open := secret.Open
	if k.looks {
		open = secret.Read
	}
	if k.box, err = open(k.cfg.Data, k.cfg.Secret); err != nil {
		return err
	}
	fits, err := k.fits(ctx)
	if err != nil {
		return err
	}
	k.lost = !fits
	if k.lost && k.newKey {
		return k.workAlone(ctx)
	}
	if k.lost {
		return fmt.Errorf("the database was written with another secret key than %s: restore the key that belongs to it. %s", k.source(), hint)
	}
	if k.newKey && !k.lost {
		k.log.Warn("the secret key is the one that the database was written with: --new-key does nothing, leave it out")
	}
	return nil
}

// workAlone is an error while other processes work on the database: they would go on to
// seal what they store with the key of before.
func (k *keyring) workAlone(ctx context.Context) error {
	others, err := k.db.Processes(ctx)
	if err == nil && len(others) > 0 {
		err = fmt.Errorf("other processes work on the database with its former key: stop them, and start them again with the new one afterwards: %s", strings.Join(others, ", "))
	}
	return err
}

// file is the path of the key's file.
func (k *keyring) file() string { return filepath.Join(k.cfg.Data, secret.FileName) }

// source is where the key comes from.
func (k *keyring) source() string {
	if k.cfg.Secret != "" {
		return "that of the setting secret"
	}
	return k.file()
}

// needsFile returns an error if the key's file is missing, and the database was
// written with one.
func (k *keyring) needsFile(ctx context.Context) error {
	if _, err := os.Stat(k.file()); k.cfg.Secret != "" || !errors.Is(err, fs.ErrNotExist) {
		return nil // another error is that of opening it
	}
	used := k.stored != ""
	if !used {
		var err error
		if used, err = k.isUsed(ctx); err != nil {
			return err
		}
	}
	if used {
		return fmt.Errorf("the secret key that the database was written with is missing: restore %s from your backup, or set TICKETFREI_SECRET as before. %s", k.file(), hint)
	}
	return nil
}

// settle brings the database and the key together, after its tables were brought
// up to date: it removes what only the former key could have opened, then stores
// the fingerprint. Killed in between, it has to be asked for once more.
func (k *keyring) settle(ctx context.Context) error {
	if k.lost {
		if err := k.forget(ctx); err != nil {
			return err
		}
	}
	// The key cannot be found by it: that has 256 bits.
	fingerprint := k.fingerprint()
	if k.stored == fingerprint {
		return nil
	}
	err := k.db.SetFingerprint(ctx, k.stored, fingerprint)
	if errors.Is(err, db.ErrTaken) {
		return fmt.Errorf("another process has begun on the database with another secret key than %s: give all of them the same. %s", k.source(), hint)
	}
	return err
}

func (k *keyring) fingerprint() string { return fingerprintOf(k.box) }

// fingerprintOf is what a database knows its key by.
func fingerprintOf(box *secret.Box) string { return box.Hash("fingerprint of the secret key") }

// forget removes what only the former key could have opened. Accounts stay, to be
// connected again by their moderators: their bots say that they need it.
func (k *keyring) forget(ctx context.Context) error {
	if err := k.db.ForgetKey(ctx); err != nil {
		return err
	}
	tables, err := k.db.Tables(ctx)
	if err != nil {
		return err
	}
	removed := 0
	for _, def := range k.definitions {
		if !tables[def.Name+"_recipients"] {
			continue
		}
		n, err := k.recipients(def).RemoveSealed(ctx)
		if err != nil {
			return err
		}
		removed += n
	}
	k.log.Warn("going on with another secret key: bots have to be connected again by their moderators, subscribers whose addresses cannot be read are removed, "+
		"links in mails sent so far do not work any more, invitations have to be sent again, nobody is muted", "removed_subscribers", removed)
	return nil
}

func (k *keyring) recipients(def bots.Definition) *recipients.Store {
	return recipients.NewStore(def.Name, bots.Host{DB: k.db, Secrets: k.box})
}

// fits tells whether the key is the one that the database was written with. One
// that has no fingerprint yet must hold something that the key opens, or nothing
// that is sealed.
func (k *keyring) fits(ctx context.Context) (bool, error) {
	if k.stored != "" {
		return k.stored == k.fingerprint(), nil
	}
	tables, err := k.db.Tables(ctx)
	if err != nil {
		return false, err
	}
	tried := 0
	for _, def := range k.definitions {
		for _, try := range []struct {
			table string
			open  func(ctx context.Context, table string) (opened bool, n int, err error)
		}{
			{def.Name + "_accounts", k.tryTokens},
			{def.Name + "_bots", k.tryTokens},
			{def.Name + "_recipients", func(ctx context.Context, _ string) (bool, int, error) { return k.recipients(def).Opens(ctx) }},
		} {
			if !tables[try.table] {
				continue
			}
			opened, n, err := try.open(ctx, try.table)
			if err != nil || opened {
				return opened, err
			}
			tried += n
		}
	}
	return tried == 0, nil
}

// tryTokens reports whether some token of the table can be read, and how many
// there are.
func (k *keyring) tryTokens(ctx context.Context, table string) (opened bool, n int, err error) {
	var rows []struct {
		BotID int64
		Token string
	}
	if err := k.db.Read(ctx).Raw("SELECT bot_id, token FROM " + table).Scan(&rows).Error; err != nil {
		return false, 0, fmt.Errorf("look into %s: %w", table, err)
	}
	for _, r := range rows {
		if _, err := k.box.Open(fmt.Sprintf("%s.token:%d", table, r.BotID), r.Token); err == nil {
			return true, len(rows), nil
		}
	}
	return false, len(rows), nil
}

// isUsed tells whether a database without a fingerprint holds something that was
// sealed with a key, or hashes of authors.
func (k *keyring) isUsed(ctx context.Context) (bool, error) {
	tables, err := k.db.Tables(ctx)
	if err != nil {
		return false, err
	}
	for _, def := range k.definitions {
		for _, suffix := range []string{"_accounts", "_recipients", "_bots", "_subscribers"} {
			table := def.Name + suffix
			if !tables[table] {
				continue
			}
			var rows int
			if err := k.db.Read(ctx).Raw("SELECT count(*) FROM " + table).Scan(&rows).Error; err != nil {
				return false, fmt.Errorf("look into %s: %w", table, err)
			}
			if rows > 0 {
				return true, nil
			}
		}
	}
	return false, nil
}
