package mastodon

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// migrations is the numbered list of this network. Add to its end; never
// change what was released.
var migrations = []*gormigrate.Migration{
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
}

// errAccountTaken is the account being another city's bot already.
var errAccountTaken = errors.New("this account is the bot of another city")

// pendingFor is how long a login waits to be finished or confirmed.
const pendingFor = time.Hour

// store keeps the network's tables.
type store struct {
	db   *db.DB
	box  *secret.Box
	now  func() time.Time
	keep time.Duration // how long posts are remembered
}

// account is what is stored of a connected account. Instance is its URL, Token
// the access token in the clear.
type account struct {
	BotID     int64 `gorm:"primaryKey"`
	Instance  string
	AccountID string
	Handle    string // "bot@mastodon.example", lower case
	URL       string
	Token     string
	// Cursor is the id of the last notification that was handed over; empty
	// where there was none when the account was connected.
	Cursor string
}

func (account) TableName() string { return "mastodon_accounts" }

// pending is a login that waits: for the browser to come back while Token is
// empty, then for the moderator to confirm.
type pending struct {
	CityID    int64 `gorm:"primaryKey"`
	Instance  string
	Nonce     string
	AccountID string
	Handle    string
	URL       string
	Token     string
	Cursor    string
	Created   int64
}

func (pending) TableName() string { return "mastodon_pending" }

// app is the program as registered with an instance.
type app struct {
	Instance    string `gorm:"primaryKey"`
	ClientID    string
	Secret      string
	RedirectURI string
	Scopes      string
}

func (app) TableName() string { return "mastodon_apps" }

// post is a status that was posted, or is about to be while StatusID is empty.
type post struct {
	ID       string `gorm:"primaryKey"`
	BotID    int64
	StatusID string
	URL      string
	At       int64
}

func (post) TableName() string { return "mastodon_posts" }

func accountPlace(botID int64) string {
	return "mastodon_accounts.token:" + strconv.FormatInt(botID, 10)
}
func pendingPlace(cityID int64) string {
	return "mastodon_pending.token:" + strconv.FormatInt(cityID, 10)
}
func appPlace(instance string) string { return "mastodon_apps.secret:" + instance }

// account returns the account of a bot, or db.ErrNotFound.
func (s *store) account(ctx context.Context, botID int64) (account, error) {
	a := account{BotID: botID}
	err := s.db.ReadRow(ctx, "SELECT instance, account_id, handle, url, token, cursor FROM mastodon_accounts WHERE bot_id = ?", botID).
		Scan(&a.Instance, &a.AccountID, &a.Handle, &a.URL, &a.Token, &a.Cursor)
	if err != nil {
		return account{}, fmt.Errorf("mastodon account: %w", err)
	}
	if a.Token, err = s.box.Open(accountPlace(botID), a.Token); err != nil {
		return account{}, fmt.Errorf("mastodon account: %w", err)
	}
	return a, nil
}

// saveAccount stores p as the account of bot within tx and ends the login. An
// account that the bot had before keeps its cursor, so that what was written
// while its token was refused is not lost.
func (s *store) saveAccount(tx *gorm.DB, botID int64, p pending) error {
	var others int64
	err := tx.Model(&account{}).Where("instance = ? AND account_id = ? AND bot_id <> ?", p.Instance, p.AccountID, botID).Count(&others).Error
	if err != nil {
		return err
	}
	if others > 0 {
		return errAccountTaken
	}
	a := account{BotID: botID, Instance: p.Instance, AccountID: p.AccountID, Handle: p.Handle, URL: p.URL,
		Token: s.box.Seal(accountPlace(botID), p.Token), Cursor: p.Cursor}
	old, err := db.Take[account](tx.Where("bot_id = ?", botID))
	if err == nil && old.Instance == a.Instance && old.AccountID == a.AccountID {
		a.Cursor = old.Cursor
	} else if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	if err := tx.Save(&a).Error; err != nil {
		return err
	}
	return tx.Where("city_id = ?", p.CityID).Delete(&pending{}).Error
}

// saveCursor stores how far a bot has handed over the notifications of a. It
// changes nothing where another account was connected in the meantime.
func (s *store) saveCursor(ctx context.Context, a account, cursor string) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Model(&account{}).Where("bot_id = ? AND instance = ? AND account_id = ?", a.BotID, a.Instance, a.AccountID).
			Update("cursor", cursor).Error
	})
	if err != nil {
		return fmt.Errorf("save mastodon cursor: %w", err)
	}
	return nil
}

// forget deletes everything about a bot.
func (s *store) forget(ctx context.Context, b report.Bot) error {
	return s.db.Write(ctx, func(tx *gorm.DB) error {
		for _, row := range []any{&account{}, &post{}} {
			if err := tx.Where("bot_id = ?", b.ID).Delete(row).Error; err != nil {
				return err
			}
		}
		return tx.Where("city_id = ?", b.CityID).Delete(&pending{}).Error
	})
}

// savePending stores p in place of another login of the city, and drops those
// that waited too long.
func (s *store) savePending(ctx context.Context, p pending) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		row := p
		row.Created = s.now().UnixMilli()
		if row.Token != "" {
			row.Token = s.box.Seal(pendingPlace(p.CityID), p.Token)
		}
		if err := tx.Where("created < ?", s.now().Add(-pendingFor).UnixMilli()).Delete(&pending{}).Error; err != nil {
			return err
		}
		return tx.Save(&row).Error
	})
	if err != nil {
		return fmt.Errorf("save mastodon login: %w", err)
	}
	return nil
}

// pending returns the login of a city that waits, or db.ErrNotFound.
func (s *store) pending(ctx context.Context, cityID int64) (pending, error) {
	p, err := db.Take[pending](s.db.Read(ctx).Where("city_id = ? AND created >= ?", cityID, s.now().Add(-pendingFor).UnixMilli()))
	if err != nil {
		return pending{}, fmt.Errorf("mastodon login: %w", err)
	}
	if p.Token != "" {
		if p.Token, err = s.box.Open(pendingPlace(cityID), p.Token); err != nil {
			return pending{}, fmt.Errorf("mastodon login: %w", err)
		}
	}
	return p, nil
}

// takeNonce ends the waiting for the browser: it returns the instance of the
// login that the nonce belongs to, once.
func (s *store) takeNonce(ctx context.Context, cityID int64, nonce string) (string, error) {
	var p pending
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		var err error
		if p, err = db.Take[pending](tx.Where("city_id = ? AND nonce = ? AND nonce <> ''", cityID, nonce)); err != nil {
			return err
		}
		return tx.Delete(&p).Error
	})
	if err != nil {
		return "", fmt.Errorf("mastodon login: %w", err)
	}
	return p.Instance, nil
}

// deletePending ends a login. One that is not there is no error.
func (s *store) deletePending(ctx context.Context, cityID int64) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Where("city_id = ?", cityID).Delete(&pending{}).Error
	})
	if err != nil {
		return fmt.Errorf("end mastodon login: %w", err)
	}
	return nil
}

// app returns the program's registration with an instance, or db.ErrNotFound.
func (s *store) app(ctx context.Context, instance string) (app, error) {
	a, err := db.Take[app](s.db.Read(ctx).Where("instance = ?", instance))
	if err != nil {
		return app{}, fmt.Errorf("mastodon app: %w", err)
	}
	if a.Secret, err = s.box.Open(appPlace(instance), a.Secret); err != nil {
		return app{}, fmt.Errorf("mastodon app: %w", err)
	}
	return a, nil
}

func (s *store) saveApp(ctx context.Context, a app) error {
	a.Secret = s.box.Seal(appPlace(a.Instance), a.Secret)
	if err := s.db.Write(ctx, func(tx *gorm.DB) error { return tx.Save(&a).Error }); err != nil {
		return fmt.Errorf("save mastodon app: %w", err)
	}
	return nil
}

// post returns what was posted under id, or db.ErrNotFound.
func (s *store) post(ctx context.Context, id string) (post, error) {
	p := post{ID: id}
	err := s.db.ReadRow(ctx, "SELECT bot_id, status_id, url, at FROM mastodon_posts WHERE id = ?", id).
		Scan(&p.BotID, &p.StatusID, &p.URL, &p.At)
	if err != nil {
		return post{}, fmt.Errorf("mastodon post: %w", err)
	}
	return p, nil
}

// savePost stores p, and drops what is too old to be sent again. It is on disk some
// milliseconds later: before the delivery leaves the queue, which waits for that.
func (s *store) savePost(ctx context.Context, p post) error {
	p.At = s.now().UnixMilli()
	err := s.db.WriteSoon(ctx, func(tx *gorm.DB) error {
		if _, err := db.Exec(tx, "DELETE FROM mastodon_posts WHERE at < ?", s.now().Add(-s.keep).UnixMilli()); err != nil {
			return err
		}
		_, err := db.Exec(tx, "INSERT OR REPLACE INTO mastodon_posts (id, bot_id, status_id, url, at) VALUES (?, ?, ?, ?, ?)",
			p.ID, p.BotID, p.StatusID, p.URL, p.At)
		return err
	})
	if err != nil {
		return fmt.Errorf("record mastodon post: %w", err)
	}
	s.db.AfterSync(func(error) {}) // who has to know asks for itself
	return nil
}

// isPosted tells whether a status is known as the post of some delivery.
func (s *store) isPosted(ctx context.Context, botID int64, statusID string) (bool, error) {
	var n int64
	err := s.db.Read(ctx).Model(&post{}).Where("bot_id = ? AND status_id = ?", botID, statusID).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("mastodon posts: %w", err)
	}
	return n > 0, nil
}
