package toy

import (
	"context"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/report"
)

var migrations = []*gormigrate.Migration{
	{ID: "toy_0001", Migrate: db.SQL("CREATE TABLE toy_accounts (bot_id INTEGER PRIMARY KEY, name TEXT NOT NULL)")},
}

func (n *network) saveAccount(tx *gorm.DB, b report.Bot, account string) error {
	return tx.Exec("INSERT OR REPLACE INTO toy_accounts (bot_id, name) VALUES (?, ?)", b.ID, account).Error
}

// Forget deletes the bot's account.
func (n *network) Forget(ctx context.Context, b report.Bot) error {
	return n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM toy_accounts WHERE bot_id = ?", b.ID).Error
	})
}
