package mastodon

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots/kit/account"
	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// migrations is the numbered list of this network. Add to its end; never
// change what was released.
func migrations(box *secret.Box) []*gormigrate.Migration {
	return []*gormigrate.Migration{
		{ID: "mastodon_0001", Migrate: db.SQL(
			`CREATE TABLE mastodon_accounts (
			bot_id INTEGER PRIMARY KEY,
			instance TEXT NOT NULL,
			account_id TEXT NOT NULL,
			handle TEXT NOT NULL,
			url TEXT NOT NULL,
			token TEXT NOT NULL,
			cursor TEXT NOT NULL,
			UNIQUE (instance, account_id))`,
			`CREATE TABLE mastodon_apps (
			instance TEXT PRIMARY KEY,
			client_id TEXT NOT NULL,
			secret TEXT NOT NULL,
			redirect_uri TEXT NOT NULL,
			scopes TEXT NOT NULL) WITHOUT ROWID`,
			`CREATE TABLE mastodon_pending (
			city_id INTEGER PRIMARY KEY,
			instance TEXT NOT NULL,
			nonce TEXT NOT NULL,
			account_id TEXT NOT NULL,
			handle TEXT NOT NULL,
			url TEXT NOT NULL,
			token TEXT NOT NULL,
			cursor TEXT NOT NULL,
			created INTEGER NOT NULL)`,
			`CREATE TABLE mastodon_posts (
			id TEXT PRIMARY KEY,
			bot_id INTEGER NOT NULL,
			status_id TEXT NOT NULL,
			url TEXT NOT NULL,
			at INTEGER NOT NULL) WITHOUT ROWID`,
			`CREATE INDEX mastodon_posts_bot ON mastodon_posts(bot_id, status_id)`,
			`CREATE INDEX mastodon_posts_at ON mastodon_posts(at)`,
		)},
		{ID: "mastodon_0002", Migrate: func(tx *gorm.DB) error { return moveToKit(tx, box) }},
		// Receipts of boosts do not lead to who wrote what was boosted.
		{ID: "mastodon_0003", Migrate: db.SQL(`UPDATE receipts SET remote_id = 'boost:', url = ''
			WHERE EXISTS (SELECT 1 FROM reports WHERE reports.seq = receipts.report AND reports.bot_id = receipts.bot_id
				AND reports.network = 'mastodon' AND reports.visibility = 'public')`)},
		{ID: "mastodon_0004", Migrate: db.SQL(
			// Bots that have asked their instance to call.
			`CREATE TABLE mastodon_pushes (bot_id INTEGER PRIMARY KEY REFERENCES bots(id) ON DELETE CASCADE)`,
			// Registrations that others took the place of: their tokens can be deleted by
			// nothing else.
			`CREATE TABLE mastodon_former_apps (
			client_id TEXT PRIMARY KEY,
			instance TEXT NOT NULL,
			secret TEXT NOT NULL) WITHOUT ROWID`,
			`CREATE INDEX mastodon_former_apps_instance ON mastodon_former_apps(instance)`)},
	}
}

// moveToKit moves accounts and logins to the kit's tables; mastodon_posts has its
// form already. Rows of bots and cities that are no more are left out.
func moveToKit(tx *gorm.DB, box *secret.Box) error {
	statements := append([]string{"ALTER TABLE mastodon_accounts RENAME TO mastodon_accounts_0001"}, account.Tables(name)...)
	statements = append(statements,
		`INSERT INTO mastodon_accounts (bot_id, server, remote, handle, name, url, token, cursor, cursor_at)
			SELECT bot_id, instance, account_id, '@' || handle, '', url, token, cursor, `+strconv.FormatInt(time.Now().UnixMilli(), 10)+`
			FROM mastodon_accounts_0001 WHERE bot_id IN (SELECT id FROM bots)`,
		`INSERT INTO mastodon_logins (city_id, nonce, server, remote, handle, name, url, token, cursor, created)
			SELECT city_id, nonce, instance, account_id, CASE handle WHEN '' THEN '' ELSE '@' || handle END, '', url, token, cursor, created
			FROM mastodon_pending WHERE city_id IN (SELECT id FROM cities)`,
		`DROP TABLE mastodon_accounts_0001`,
		`DROP TABLE mastodon_pending`)
	if err := db.SQL(statements...)(tx); err != nil {
		return err
	}
	return sealAgain(tx, box)
}

// sealAgain seals the tokens of waiting logins for the place where they are now.
// One that was sealed with another key stays as it is.
func sealAgain(tx *gorm.DB, box *secret.Box) error {
	var list []struct {
		CityID int64
		Token  string
	}
	if err := tx.Raw("SELECT city_id, token FROM mastodon_logins WHERE token <> ''").Scan(&list).Error; err != nil {
		return err
	}
	for _, l := range list {
		city := strconv.FormatInt(l.CityID, 10)
		token, err := box.Open("mastodon_pending.token:"+city, l.Token)
		if err != nil {
			continue
		}
		sealed := box.Seal("mastodon_logins.token:"+city, token)
		if err := tx.Exec("UPDATE mastodon_logins SET token = ? WHERE city_id = ?", sealed, l.CityID).Error; err != nil {
			return err
		}
	}
	return nil
}

// app is the program as registered with an instance.
type app struct {
	Instance    string `gorm:"primaryKey"`
	ClientID    string
	Secret      string
	RedirectURI string
	Scopes      string
}

func (app) TableName() string { return "mastodon_apps" }

// apps keeps the registrations.
type apps struct {
	db  *db.DB
	box *secret.Box
}

func appPlace(instance string) string { return "mastodon_apps.secret:" + instance }

// find returns the program's registration with an instance, or db.ErrNotFound. One whose
// secret cannot be read comes with an error.
func (s *apps) find(ctx context.Context, instance string) (app, error) {
	a, err := db.Take[app](s.db.Read(ctx).Where("instance = ?", instance))
	if err == nil {
		a.Secret, err = s.box.Open(appPlace(instance), a.Secret)
	}
	if err != nil {
		return a, fmt.Errorf("mastodon app: %w", err)
	}
	return a, nil
}

// save stores a registration in place of the one with the id seen; empty: of none. Where
// somebody else has registered meanwhile, the error is errRegistered.
func (s *apps) save(ctx context.Context, a app, seen string) error {
	a.Secret = s.box.Seal(appPlace(a.Instance), a.Secret)
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		if err := db.LockNames(tx, "mastodon_apps:"+a.Instance); err != nil {
			return err
		}
		there, err := db.Take[app](tx.Where("instance = ?", a.Instance))
		if err != nil && !errors.Is(err, db.ErrNotFound) {
			return err
		}
		if there.ClientID != seen {
			return errRegistered
		}
		err = tx.Exec(`INSERT INTO mastodon_former_apps (client_id, instance, secret)
			SELECT client_id, instance, secret FROM mastodon_apps WHERE instance = ?
			ON CONFLICT (client_id) DO UPDATE SET instance = excluded.instance, secret = excluded.secret`, a.Instance).Error
		if err != nil {
			return err
		}
		return tx.Save(&a).Error
	})
	if err != nil {
		return fmt.Errorf("save mastodon app: %w", err)
	}
	return nil
}

// errRegistered is that another registration with the instance was stored meanwhile.
var errRegistered = errors.New("another registration was stored meanwhile")

// maxFormer is how many former registrations with an instance are tried.
const maxFormer = 5

// all returns the registration with an instance and former ones, as far as they can be
// read.
func (s *apps) all(ctx context.Context, instance string) ([]app, error) {
	var list []app
	err := s.db.Read(ctx).Raw(`SELECT instance, client_id, secret FROM mastodon_apps WHERE instance = ?1
		UNION ALL SELECT * FROM (SELECT instance, client_id, secret FROM mastodon_former_apps WHERE instance = ?1 LIMIT ?2) AS former`,
		instance, maxFormer).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("mastodon apps: %w", err)
	}
	var readable []app
	for _, a := range list {
		if a.Secret, err = s.box.Open(appPlace(instance), a.Secret); err == nil {
			readable = append(readable, a)
		}
	}
	return readable, nil
}
