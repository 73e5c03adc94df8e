package telegram

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/chat"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// migrations is the numbered list of this network. Add to its end; never
// change what was released.
func migrations(box *secret.Box) []*gormigrate.Migration {
	return []*gormigrate.Migration{
		{ID: "telegram_0001", Migrate: db.SQL(
			`CREATE TABLE telegram_bots (
				bot_id INTEGER PRIMARY KEY,
				telegram_id INTEGER NOT NULL UNIQUE,
				username TEXT NOT NULL,
				name TEXT NOT NULL,
				token TEXT NOT NULL,
				api TEXT NOT NULL,
				welcome TEXT NOT NULL,
				next_update INTEGER NOT NULL,
				next_at INTEGER NOT NULL)`,
			`CREATE TABLE telegram_pending (
				city_id INTEGER PRIMARY KEY,
				telegram_id INTEGER NOT NULL,
				username TEXT NOT NULL,
				name TEXT NOT NULL,
				token TEXT NOT NULL,
				created INTEGER NOT NULL)`,
			`CREATE TABLE telegram_chats (
				id INTEGER PRIMARY KEY AUTOINCREMENT,
				bot_id INTEGER NOT NULL REFERENCES telegram_bots(bot_id) ON DELETE CASCADE,
				chat_id INTEGER NOT NULL,
				former_id INTEGER NOT NULL DEFAULT 0,
				created INTEGER NOT NULL,
				UNIQUE (bot_id, chat_id))`,
		)},
		{ID: "telegram_0002", Migrate: move{box}.run},
		{ID: "telegram_0003", Migrate: recipients.Keying(name, box)},
		// Receipts are ids of messages: in front of them stood that of the chat.
		{ID: "telegram_0004", Migrate: move{box}.receipts},
		{ID: "telegram_0005", Migrate: chat.AddGroups(name, box, isGroup)},
		{ID: "telegram_0006", Migrate: recipients.AddLines(name)},
	}
}

// move takes what the first tables hold over into those of the kit. What is left
// of bots and cities that are gone is dropped.
type move struct{ box *secret.Box }

func (m move) run(tx *gorm.DB) error {
	for _, step := range []func(*gorm.DB) error{
		db.SQL(slices.Concat(account.Tables(name), recipients.Tables(name), chat.WelcomeTables(name))...), m.bots, m.pending, m.chats,
		db.SQL(
			`INSERT INTO telegram_welcomes (bot_id, text) SELECT bot_id, welcome FROM telegram_bots JOIN bots ON bots.id = bot_id WHERE welcome <> ''`,
		),
		db.SQL("DROP TABLE telegram_chats", "DROP TABLE telegram_pending", "DROP TABLE telegram_bots"),
	} {
		if err := step(tx); err != nil {
			return err
		}
	}
	return nil
}

// oldAccount is a row of telegram_bots, or the same of telegram_pending.
type oldAccount struct {
	BotID, CityID, TelegramID   int64
	Username, Name, Token, API  string
	NextUpdate, NextAt, Created int64
}

func (o oldAccount) account() account.Account {
	a := newAccount(o.TelegramID, o.Username, o.Name)
	a.BotID, a.Server, a.CursorAt = o.BotID, o.API, time.UnixMilli(o.NextAt)
	if o.NextUpdate != 0 {
		a.Cursor = strconv.FormatInt(o.NextUpdate, 10)
	}
	return a
}

func (m move) bots(tx *gorm.DB) error {
	return each(tx, "SELECT telegram_bots.* FROM telegram_bots JOIN bots ON bots.id = bot_id", func(o oldAccount) error {
		a, err := o.account(), error(nil)
		a.Token, err = m.box.Open("telegram_bots.token:"+strconv.FormatInt(o.BotID, 10), o.Token)
		if putting := account.ForMigration(name, m.box).Put(tx, a); putting != nil || err == nil {
			return putting
		}
		// It was sealed with another key. It stays as it is, and the bot asks for a
		// login.
		return tx.Exec("UPDATE telegram_accounts SET token = ? WHERE bot_id = ?", o.Token, o.BotID).Error
	})
}

func (m move) pending(tx *gorm.DB) error {
	return each(tx, "SELECT telegram_pending.* FROM telegram_pending JOIN cities ON cities.id = city_id", func(o oldAccount) error {
		l, err := account.Login{CityID: o.CityID, Account: o.account(), Created: time.UnixMilli(o.Created)}, error(nil)
		l.Token, err = m.box.Open("telegram_pending.token:"+strconv.FormatInt(o.CityID, 10), o.Token)
		if putting := account.ForMigration(name, m.box).PutLogin(tx, l); putting != nil || err == nil {
			return putting
		}
		return tx.Exec("UPDATE telegram_logins SET token = ? WHERE city_id = ?", o.Token, o.CityID).Error
	})
}

// oldChat is a row of telegram_chats.
type oldChat struct{ ID, BotID, ChatID, Created int64 }

func (m move) chats(tx *gorm.DB) error {
	store := recipients.ForMigration(name, m.box)
	return each(tx, "SELECT telegram_chats.* FROM telegram_chats JOIN bots ON bots.id = bot_id", func(o oldChat) error {
		return store.Put(tx, recipients.Recipient{ID: o.ID, BotID: o.BotID, Address: formatID(o.ChatID), Created: time.UnixMilli(o.Created)})
	})
}

// receipt is one that may have the chat in front of the message.
type receipt struct {
	ID, BotID, CityID, Recipient int64
	RemoteID                     string
}

// receipts takes the id of the chat out of each receipt "chat:message" and notes the
// recipient with that chat instead. Where the bot or the chat is gone, the message can
// no longer be taken back.
func (m move) receipts(tx *gorm.DB) error {
	err := each(tx, `SELECT receipts.id, bot_id, city_id, recipient, remote_id FROM receipts
		JOIN bots ON bots.id = bot_id WHERE network = '`+name+`'`, func(r receipt) error {
		chat, message, found := strings.Cut(r.RemoteID, ":")
		if !found {
			return nil
		}
		if r.Recipient != 0 {
			return tx.Exec("UPDATE receipts SET remote_id = ? WHERE id = ?", message, r.ID).Error
		}
		return tx.Exec(`UPDATE receipts SET remote_id = ?, recipient = coalesce(
			(SELECT id FROM telegram_recipients WHERE bot_id = ? AND key = ?), 0) WHERE id = ?`,
			message, r.BotID, m.box.Author(r.CityID, name, chat), r.ID).Error
	})
	if err != nil {
		return err
	}
	return db.SQL(`DELETE FROM receipts WHERE bot_id NOT IN (SELECT id FROM bots)
		OR recipient = 0 AND bot_id IN (SELECT id FROM bots WHERE network = '` + name + `')`)(tx)
}

// each calls do with every row of a query.
func each[T any](tx *gorm.DB, query string, do func(T) error) error {
	var rows []T
	if err := tx.Raw(query).Scan(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		if err := do(row); err != nil {
			return err
		}
	}
	return nil
}
