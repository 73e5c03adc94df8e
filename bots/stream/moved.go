package stream

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/internal/report"
)

var _ bots.Movable = (*Network)(nil)

// moved is what is stored of a bot, as it goes to another server: rows with what is sealed in
// them readable.
type moved struct {
	Streams  []row        `json:"streams"`
	Triggers []triggerRow `json:"triggers"`
}

// Export returns what is stored of a bot: see bots.Movable. What cannot be read is left out: it
// has to be typed in again.
func (n *Network) Export(ctx context.Context, b report.Bot) (json.RawMessage, error) {
	var m moved
	streams, err := n.rows(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range streams {
		if n.unsealAll(map[string]*string{r.place("target"): &r.Target, r.place("secret"): &r.Secret, r.place("former"): &r.Former}) {
			m.Streams = append(m.Streams, r)
		}
	}
	var triggers []triggerRow
	if err := n.host.DB.Read(ctx).Where("bot_id = ?", b.ID).Order("name").Find(&triggers).Error; err != nil {
		return nil, fmt.Errorf("export triggers: %w", err)
	}
	for _, r := range triggers {
		if n.unsealAll(map[string]*string{r.place("secret"): &r.Secret, r.place("url"): &r.URL}) {
			m.Triggers = append(m.Triggers, r)
		}
	}
	return json.Marshal(m)
}

// unsealAll puts what is sealed at the places into their columns, and tells whether all of it could
// be read.
func (n *Network) unsealAll(columns map[string]*string) bool {
	for place, column := range columns {
		text, err := n.unseal(place, *column)
		if err != nil {
			return false
		}
		*column = text
	}
	return true
}

// Import stores what was exported of a bot: see bots.Movable. A feed begins again: what stands
// in it by now is known already.
func (n *Network) Import(tx *gorm.DB, b report.Bot, stored json.RawMessage) error {
	var m moved
	if err := json.Unmarshal(stored, &m); err != nil {
		return err
	}
	for _, r := range m.Streams {
		made := row{BotID: b.ID, Name: r.Name, Include: r.Include, Exclude: r.Exclude, When: r.When, Look: r.Look, Events: r.Events,
			Mention: r.Mention, MentionEvery: r.MentionEvery, Mentioned: r.Mentioned, Rotated: r.Rotated, Running: r.Running, Paused: r.Paused, Status: r.Status, Sent: r.Sent, Revision: 1}
		if err := tx.Create(&made).Error; err != nil {
			return err
		}
		made.Target, made.Secret, made.Former = n.sealOr(made.place("target"), r.Target), n.sealOr(made.place("secret"), r.Secret), n.sealOr(made.place("former"), r.Former)
		if err := tx.Save(&made).Error; err != nil {
			return err
		}
	}
	for _, r := range m.Triggers {
		made := triggerRow{BotID: b.ID, Name: r.Name, Preset: r.Preset, Text: r.Text, Ref: r.Ref, Time: r.Time, Words: r.Words, When: r.When, Every: r.Every, Running: r.Running, Revision: 1}
		if err := tx.Create(&made).Error; err != nil {
			return err
		}
		made.Secret, made.URL = n.sealOr(made.place("secret"), r.Secret), n.sealOr(made.place("url"), r.URL)
		if err := tx.Save(&made).Error; err != nil {
			return err
		}
	}
	return nil
}

// sealOr seals a text for a place; nothing stays nothing.
func (n *Network) sealOr(place, text string) string {
	if text == "" {
		return ""
	}
	return n.host.Secrets.Seal(place, text)
}
