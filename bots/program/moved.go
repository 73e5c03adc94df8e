package program

import (
	"context"
	"encoding/json"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/report"
)

var _ bots.Movable = (*Network)(nil)

// moved is what is stored of a bot, as it goes to another server.
type moved struct {
	Settings   map[string]string  `json:"settings"`
	State      json.RawMessage    `json:"state,omitempty"`
	Recipients []recipients.Moved `json:"recipients"`
}

// Export returns what is stored of a bot: see bots.Movable.
func (n *Network) Export(ctx context.Context, b report.Bot) (json.RawMessage, error) {
	var m moved
	var err error
	if m.Settings, err = n.typed(ctx, b.ID); err != nil {
		return nil, err
	}
	if m.State, err = n.state(ctx, b.ID); err != nil {
		return nil, err
	}
	if m.Recipients, err = n.subscribers.Export(ctx, b); err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

// Import stores what was exported of a bot: see bots.Movable.
func (n *Network) Import(tx *gorm.DB, b report.Bot, stored json.RawMessage) error {
	var m moved
	if err := json.Unmarshal(stored, &m); err != nil {
		return err
	}
	if err := n.save(tx, b.ID, m.Settings); err != nil {
		return err
	}
	if len(m.State) > 0 {
		sealed := n.host.Secrets.Seal(n.place("state", b.ID), string(m.State))
		if err := tx.Exec("UPDATE "+n.table()+" SET state = ? WHERE bot_id = ?", sealed, b.ID).Error; err != nil {
			return err
		}
	}
	_, err := n.subscribers.Import(tx, b, m.Recipients)
	return err
}
