package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/report"
)

var (
	_ bots.Movable    = (*network)(nil)
	_ bots.Identifier = (*network)(nil)
	_ bots.Growing    = (*network)(nil)
)

// moved is what is stored of a bot, as it goes to another server.
type moved struct {
	Account *account.Moved     `json:"account"`
	Chats   []recipients.Moved `json:"chats"`
	Groups  []movedGroup       `json:"groups"`
	Welcome string             `json:"welcome,omitempty"`
}

// movedGroup is a chat that is no person's.
type movedGroup struct {
	Chat   int64     `json:"chat"` // its id among the chats
	Kind   GroupKind `json:"kind"`
	Called Group     `json:"called"`
	Joined bool      `json:"joined,omitempty"` // nobody has asked for reports there
	// Whole is the address of the whole of it, of which it may be a topic.
	Whole string `json:"whole,omitempty"`
}

// Export returns what is stored of a bot: see bots.Movable.
func (n *network) Export(ctx context.Context, b report.Bot) (json.RawMessage, error) {
	var m moved
	var err error
	if m.Account, err = n.accounts.Export(ctx, b); err != nil {
		return nil, err
	}
	if m.Chats, err = n.chats.Export(ctx, b); err != nil {
		return nil, err
	}
	if m.Welcome, err = n.welcome(ctx, b.ID); err != nil {
		return nil, err
	}
	if m.Groups, err = n.groups.export(ctx, b, m.Chats); err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

// Import stores what was exported of a bot: see bots.Movable.
func (n *network) Import(tx *gorm.DB, b report.Bot, stored json.RawMessage) error {
	var m moved
	if err := json.Unmarshal(stored, &m); err != nil {
		return err
	}
	if err := n.accounts.Import(tx, b, m.Account); err != nil {
		return err
	}
	ids, err := n.chats.Import(tx, b, m.Chats)
	if err != nil {
		return err
	}
	if err := n.groups.imported(tx, b, ids, m.Groups); err != nil {
		return err
	}
	if m.Welcome == "" {
		return nil
	}
	return tx.Exec("INSERT INTO "+n.welcomes()+" (bot_id, text) VALUES (?, ?)", b.ID, m.Welcome).Error
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

// Grow adds chats: see bots.Growing.
func (n *network) Grow(tx *gorm.DB, b report.Bot, stored json.RawMessage) (added int, err error) {
	var m moved
	if err := json.Unmarshal(stored, &m); err != nil {
		return 0, err
	}
	return n.chats.Grow(tx, b, m.Chats)
}

// export returns the groups among the chats of a bot.
func (g *groups) export(ctx context.Context, b report.Bot, chats []recipients.Moved) ([]movedGroup, error) {
	var rows []struct {
		groupRow
		Chat   string
		Joined bool
	}
	err := g.db.Read(ctx).Raw("SELECT recipient_id, kind, title, chat, joined FROM "+g.table+" WHERE bot_id = ? ORDER BY recipient_id", b.ID).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("export groups: %w", err)
	}
	addresses := make(map[int64]string, len(chats))
	for _, c := range chats {
		addresses[c.ID] = c.Address
	}
	list := make([]movedGroup, len(rows))
	for i, r := range rows {
		called := g.open(r.groupRow)
		list[i] = movedGroup{Chat: r.RecipientID, Kind: called.Kind, Called: called.Group, Joined: r.Joined, Whole: g.wholeOf(ctx, b, r.Chat, addresses[r.RecipientID])}
	}
	return list, nil
}

// wholeOf is the address whose key a group is stored with: its own, or that of the whole of
// which it is a topic, which stands before a "/". Empty: it is neither; the next message from
// there tells.
func (g *groups) wholeOf(ctx context.Context, b report.Bot, key, address string) string {
	whole, _, _ := strings.Cut(address, "/")
	for _, candidate := range []string{address, whole} {
		if k, err := g.chats.Key(ctx, b.ID, candidate); err == nil && k == key {
			return candidate
		}
	}
	return ""
}

// imported stores the groups among the chats of a bot within tx, whose ids here are ids.
func (g *groups) imported(tx *gorm.DB, b report.Bot, ids map[int64]int64, list []movedGroup) error {
	for _, m := range list {
		id, ok := ids[m.Chat]
		if !ok {
			continue
		}
		called := m.Called
		called.Kind = m.Kind
		if err := g.put(tx, b.ID, id, g.box.Author(b.CityID, strings.TrimSuffix(g.table, "_groups"), m.Whole), called.bounded()); err != nil {
			return fmt.Errorf("import groups: %w", err)
		}
		if err := tx.Exec("UPDATE "+g.table+" SET joined = ? WHERE recipient_id = ?", m.Joined, id).Error; err != nil {
			return fmt.Errorf("import groups: %w", err)
		}
	}
	return nil
}
