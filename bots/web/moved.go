package web

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/report"
)

var _ bots.Movable = (*Network)(nil)

// moved is what is stored of a bot, as it goes to another server.
type moved struct {
	Browsers []recipients.Moved    `json:"browsers"`
	Wishes   map[int64]movedWishes `json:"wishes"` // by the id of the browser
	// Key is what the browsers have subscribed with: they take no messages of another.
	Key string `json:"key"`
}

type movedWishes struct {
	Subscription string `json:"subscription"`
	Language     string `json:"language"`
	QuietFrom    int    `json:"quiet_from"`
	QuietTo      int    `json:"quiet_to"`
}

// Export returns what is stored of a bot: see bots.Movable.
func (n *Network) Export(ctx context.Context, b report.Bot) (json.RawMessage, error) {
	signer, err := n.pusher.keyOf(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	m := moved{Wishes: map[int64]movedWishes{}}
	if m.Key, err = signer.Private(); err != nil {
		return nil, err
	}
	if m.Browsers, err = n.subscribers.Export(ctx, b); err != nil {
		return nil, err
	}
	var rows []struct {
		RecipientID            int64
		Subscription, Language string
		QuietFrom, QuietTo     int
	}
	err = n.host.DB.Read(ctx).Raw("SELECT recipient_id, subscription, language, quiet_from, quiet_to FROM web_wishes WHERE bot_id = ?", b.ID).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("export wishes: %w", err)
	}
	for _, r := range rows {
		if text, err := n.host.Secrets.Open(subscriptionPlace(r.RecipientID), r.Subscription); err == nil {
			m.Wishes[r.RecipientID] = movedWishes{text, r.Language, r.QuietFrom, r.QuietTo}
		}
	}
	return json.Marshal(m)
}

// Import stores what was exported of a bot: see bots.Movable.
func (n *Network) Import(tx *gorm.DB, b report.Bot, stored json.RawMessage) error {
	var m moved
	if err := json.Unmarshal(stored, &m); err != nil {
		return err
	}
	ids, err := n.subscribers.Import(tx, b, m.Browsers)
	if err != nil {
		return err
	}
	for former, w := range m.Wishes {
		id, ok := ids[former]
		if !ok {
			continue
		}
		err := tx.Exec("INSERT INTO web_wishes (recipient_id, bot_id, subscription, language, quiet_from, quiet_to) VALUES (?, ?, ?, ?, ?, ?)",
			id, b.ID, n.host.Secrets.Seal(subscriptionPlace(id), w.Subscription), w.Language, w.QuietFrom, w.QuietTo).Error
		if err != nil {
			return err
		}
	}
	return tx.Exec("INSERT INTO web_signers (bot_id, key) VALUES (?, ?)", b.ID, n.host.Secrets.Seal(signerPlace(b.ID), m.Key)).Error
}
