package scaffold

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// migrations is the numbered list of this network. Add to its end; never
// change what was released.
var migrations = []*gormigrate.Migration{
	{ID: "scaffold_0001", Migrate: db.SQL(
		`CREATE TABLE scaffold_accounts (
			bot_id INTEGER PRIMARY KEY REFERENCES bots(id) ON DELETE CASCADE,
			address TEXT NOT NULL,
			handle TEXT NOT NULL,
			token TEXT NOT NULL,
			cursor TEXT NOT NULL,
			UNIQUE (address, handle))`,
	)},
}

// errTaken is the account being another city's bot already.
var errTaken = errors.New("this account is the bot of another city")

// account is what is stored of a connected account.
type account struct {
	BotID   int64
	Address string // of its server, without a slash at the end
	Handle  string
	Token   string // in the clear; encrypted in the table
	// Cursor is the id of the last message that was handed over, and at first
	// of the newest one when the account was connected: what is old is not
	// relayed.
	Cursor string
}

// page is the account's page for people.
func (a account) page() string { return a.Address + "/@" + a.Handle }

// tokenPlace is where a token is stored: see secret.Box.Seal.
func tokenPlace(botID int64) string {
	return "scaffold_accounts.token:" + strconv.FormatInt(botID, 10)
}

// account returns the account of a bot, or db.ErrNotFound.
func (n *network) account(ctx context.Context, botID int64) (account, error) {
	var found []account
	err := n.host.DB.Read(ctx).Raw("SELECT bot_id, address, handle, token, cursor FROM scaffold_accounts WHERE bot_id = ?", botID).Scan(&found).Error
	if err == nil && len(found) == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return account{}, fmt.Errorf("account: %w", err)
	}
	a := found[0]
	if a.Token, err = n.host.Secrets.Open(tokenPlace(botID), a.Token); err != nil {
		return account{}, fmt.Errorf("account: %w", err)
	}
	return a, nil
}

// saveAccount stores the account of a bot within tx. The one that the bot had
// before keeps its cursor, so that what was written while its token was refused
// is not lost. The account of another city is errTaken.
func (n *network) saveAccount(tx *gorm.DB, botID int64, a account) error {
	err := tx.Exec(`INSERT INTO scaffold_accounts (bot_id, address, handle, token, cursor) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (bot_id) DO UPDATE SET
			cursor = CASE WHEN address = excluded.address AND handle = excluded.handle THEN cursor ELSE excluded.cursor END,
			address = excluded.address, handle = excluded.handle, token = excluded.token`,
		botID, a.Address, a.Handle, n.host.Secrets.Seal(tokenPlace(botID), a.Token), a.Cursor).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return errTaken
	}
	return err
}

// saveCursor stores how far a bot has handed over the messages to a. It changes
// nothing where another account was connected in the meantime.
func (n *network) saveCursor(ctx context.Context, a account, cursor string) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE scaffold_accounts SET cursor = ? WHERE bot_id = ? AND address = ? AND handle = ?",
			cursor, a.BotID, a.Address, a.Handle).Error
	})
	if err != nil {
		return fmt.Errorf("save cursor: %w", err)
	}
	return nil
}

// Forget deletes everything that is stored of the bot: a moderator has
// disconnected it, or its city is deleted.
func (n *network) Forget(ctx context.Context, b report.Bot) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM scaffold_accounts WHERE bot_id = ?", b.ID).Error
	})
	if err != nil {
		return fmt.Errorf("forget account: %w", err)
	}
	return nil
}
