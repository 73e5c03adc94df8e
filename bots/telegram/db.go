package telegram

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
}

// errBotTaken is the bot being another city's already.
var errBotTaken = errors.New("this bot is the bot of another city")

// pendingFor is how long a checked token waits to be confirmed.
const pendingFor = time.Hour

// store keeps the network's tables.
type store struct {
	db  *db.DB
	box *secret.Box
	now func() time.Time
}

// account is what is stored of a connected bot. Token is in the clear.
type account struct {
	BotID      int64 `gorm:"primaryKey"`
	TelegramID int64
	Username   string // without "@"
	Name       string // as people see it
	Token      string
	API        string // of the stand-in in a demo; empty means the setting
	Welcome    string // what the moderators wrote; empty means the default
	NextUpdate int    // id of the update after the last one that was handled
	NextAt     int64  // when that was, in milliseconds
}

func (account) TableName() string { return "telegram_bots" }

// pending is a token that was checked and waits to be confirmed.
type pending struct {
	CityID     int64 `gorm:"primaryKey"`
	TelegramID int64
	Username   string
	Name       string
	Token      string
	Created    int64
}

func (pending) TableName() string { return "telegram_pending" }

func tokenPlace(botID int64) string { return "telegram_bots.token:" + strconv.FormatInt(botID, 10) }
func pendingPlace(cityID int64) string {
	return "telegram_pending.token:" + strconv.FormatInt(cityID, 10)
}

// account returns the account of a bot, or db.ErrNotFound.
func (s *store) account(ctx context.Context, botID int64) (account, error) {
	a := account{BotID: botID}
	err := s.db.ReadRow(ctx, `SELECT telegram_id, username, name, token, api, welcome, next_update, next_at
		FROM telegram_bots WHERE bot_id = ?`, botID).
		Scan(&a.TelegramID, &a.Username, &a.Name, &a.Token, &a.API, &a.Welcome, &a.NextUpdate, &a.NextAt)
	if err != nil {
		return account{}, fmt.Errorf("telegram bot: %w", err)
	}
	if a.Token, err = s.box.Open(tokenPlace(botID), a.Token); err != nil {
		return account{}, fmt.Errorf("telegram bot: %w", err)
	}
	return a, nil
}

// saveAccount stores p as the account of bot within tx. The same bot with a new
// token keeps its subscribers and all else; another one begins anew, since it
// may not write to those of the former.
func (s *store) saveAccount(tx *gorm.DB, botID int64, p pending, api string) error {
	var others int64
	err := tx.Model(&account{}).Where("telegram_id = ? AND bot_id <> ?", p.TelegramID, botID).Count(&others).Error
	if err != nil {
		return err
	}
	if others > 0 {
		return errBotTaken
	}
	a, err := db.Take[account](tx.Where("bot_id = ?", botID))
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return err
	}
	if a.TelegramID != p.TelegramID {
		if err := tx.Exec("DELETE FROM telegram_chats WHERE bot_id = ?", botID).Error; err != nil {
			return err
		}
		a.NextUpdate, a.NextAt = 0, 0
	}
	a.BotID, a.TelegramID, a.Username, a.Name, a.API = botID, p.TelegramID, p.Username, p.Name, api
	a.Token = s.box.Seal(tokenPlace(botID), p.Token)
	if err := tx.Save(&a).Error; err != nil {
		return err
	}
	return tx.Where("city_id = ?", p.CityID).Delete(&pending{}).Error
}

// isTaken tells whether a bot is another city's.
func (s *store) isTaken(ctx context.Context, telegramID, cityID int64) (bool, error) {
	var n int64
	err := s.db.Read(ctx).Raw(`SELECT count(*) FROM telegram_bots JOIN bots ON bots.id = telegram_bots.bot_id
		WHERE telegram_id = ? AND city_id <> ?`, telegramID, cityID).Scan(&n).Error
	if err != nil {
		return false, fmt.Errorf("telegram bots: %w", err)
	}
	return n > 0, nil
}

// change updates columns of the bot's account. With telegramID it changes
// nothing where another one was connected in the meantime; 0 means whichever.
func (s *store) change(ctx context.Context, botID, telegramID int64, values map[string]any) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		q := tx.Model(&account{}).Where("bot_id = ?", botID)
		if telegramID != 0 {
			q = q.Where("telegram_id = ?", telegramID)
		}
		return q.Updates(values).Error
	})
	if err != nil {
		return fmt.Errorf("save telegram bot: %w", err)
	}
	return nil
}

// saveOffset stores how far a bot has handled its updates.
func (s *store) saveOffset(ctx context.Context, botID, telegramID int64, next int) error {
	return s.change(ctx, botID, telegramID, map[string]any{"next_update": next, "next_at": s.now().UnixMilli()})
}

// rename stores a new username.
func (s *store) rename(ctx context.Context, botID, telegramID int64, username string) error {
	return s.change(ctx, botID, telegramID, map[string]any{"username": username})
}

// saveWelcome stores the welcome text; empty means the default.
func (s *store) saveWelcome(ctx context.Context, botID int64, text string) error {
	return s.change(ctx, botID, 0, map[string]any{"welcome": text})
}

// welcome returns the welcome text; empty means the default.
func (s *store) welcome(ctx context.Context, botID int64) (string, error) {
	a, err := db.Take[account](s.db.Read(ctx).Select("welcome").Where("bot_id = ?", botID))
	if err != nil {
		return "", fmt.Errorf("telegram bot: %w", err)
	}
	return a.Welcome, nil
}

// forget deletes everything about a bot.
func (s *store) forget(ctx context.Context, b report.Bot) error {
	return s.db.Write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM telegram_chats WHERE bot_id = ?", b.ID).Error; err != nil {
			return err
		}
		if err := tx.Where("bot_id = ?", b.ID).Delete(&account{}).Error; err != nil {
			return err
		}
		return tx.Where("city_id = ?", b.CityID).Delete(&pending{}).Error
	})
}

// savePending stores p in place of another token of the city, and drops those
// that waited too long.
func (s *store) savePending(ctx context.Context, p pending) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		row := p
		row.Created, row.Token = s.now().UnixMilli(), s.box.Seal(pendingPlace(p.CityID), p.Token)
		if err := tx.Where("created < ?", s.now().Add(-pendingFor).UnixMilli()).Delete(&pending{}).Error; err != nil {
			return err
		}
		return tx.Save(&row).Error
	})
	if err != nil {
		return fmt.Errorf("save telegram token: %w", err)
	}
	return nil
}

// pending returns the token of a city that waits, or db.ErrNotFound.
func (s *store) pending(ctx context.Context, cityID int64) (pending, error) {
	p, err := db.Take[pending](s.db.Read(ctx).Where("city_id = ? AND created >= ?", cityID, s.now().Add(-pendingFor).UnixMilli()))
	if err != nil {
		return pending{}, fmt.Errorf("telegram token: %w", err)
	}
	if p.Token, err = s.box.Open(pendingPlace(cityID), p.Token); err != nil {
		return pending{}, fmt.Errorf("telegram token: %w", err)
	}
	return p, nil
}

// deletePending drops a token that waits. One that is not there is no error.
func (s *store) deletePending(ctx context.Context, cityID int64) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Where("city_id = ?", cityID).Delete(&pending{}).Error
	})
	if err != nil {
		return fmt.Errorf("drop telegram token: %w", err)
	}
	return nil
}
