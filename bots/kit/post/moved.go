package post

import (
	"context"
	"encoding/json"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/internal/report"
)

var (
	_ bots.Movable    = (*network)(nil)
	_ bots.Identifier = (*network)(nil)
)

// moved is what is stored of a bot, as it goes to another server.
type moved struct {
	Account *account.Moved `json:"account"`
}

// Export returns what is stored of a bot: see bots.Movable.
func (n *network) Export(ctx context.Context, b report.Bot) (json.RawMessage, error) {
	a, err := n.accounts.Export(ctx, b)
	if err != nil {
		return nil, err
	}
	return json.Marshal(moved{a})
}

// Import stores what was exported of a bot: see bots.Movable.
func (n *network) Import(tx *gorm.DB, b report.Bot, stored json.RawMessage) error {
	var m moved
	if err := json.Unmarshal(stored, &m); err != nil {
		return err
	}
	return n.accounts.Import(tx, b, m.Account)
}

// Identify asks whose account it is: see bots.Identifier.
func (n *network) Identify(ctx context.Context, stored json.RawMessage) (json.RawMessage, error) {
	var m moved
	err := json.Unmarshal(stored, &m)
	if err == nil {
		m.Account, err = account.Identify(ctx, n.driver, m.Account)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(m)
}
