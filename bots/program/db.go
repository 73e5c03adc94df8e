package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// migrations are the tables of the network that a program is.
func migrations(network string) func(*secret.Box) []*gormigrate.Migration {
	return func(*secret.Box) []*gormigrate.Migration {
		tables := append(recipients.Tables(network), `CREATE TABLE `+network+`_bots (
			bot_id INTEGER PRIMARY KEY REFERENCES bots(id) ON DELETE CASCADE,
			settings TEXT NOT NULL DEFAULT '',
			state TEXT NOT NULL DEFAULT '')`)
		return []*gormigrate.Migration{{ID: network + "_0001", Migrate: db.SQL(tables...)}}
	}
}

func (n *Network) table() string { return n.manifest.Network + "_bots" }

// place is where something of a bot is stored, which sealing binds it to.
func (n *Network) place(column string, botID int64) string {
	return n.table() + "." + column + ":" + strconv.FormatInt(botID, 10)
}

// stored returns the settings of a bot: its own, and the defaults of those it has not.
func (n *Network) stored(ctx context.Context, botID int64) (map[string]string, error) {
	values, err := n.typed(ctx, botID)
	if err != nil {
		return nil, err
	}
	return n.manifest.withDefaults(values), nil
}

// typed returns the settings that somebody has typed for a bot.
func (n *Network) typed(ctx context.Context, botID int64) (map[string]string, error) {
	var sealed string
	err := n.host.DB.ReadRow(ctx, "SELECT settings FROM "+n.table()+" WHERE bot_id = ?", botID).Scan(&sealed)
	if errors.Is(err, db.ErrNotFound) || err == nil && sealed == "" {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("settings of bot %d: %w", botID, err)
	}
	values := map[string]string{}
	raw, err := n.host.Secrets.Open(n.place("settings", botID), sealed)
	if err == nil {
		err = json.Unmarshal([]byte(raw), &values)
	}
	if err != nil {
		return nil, bots.Refused(errSealed)
	}
	return values, nil
}

// save stores the settings of a bot within tx.
func (n *Network) save(tx *gorm.DB, botID int64, values map[string]string) error {
	raw, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return tx.Exec("INSERT INTO "+n.table()+" (bot_id, settings) VALUES (?, ?) ON CONFLICT (bot_id) DO UPDATE SET settings = excluded.settings",
		botID, n.host.Secrets.Seal(n.place("settings", botID), string(raw))).Error
}

// state returns what the program of a bot had stored last; nil where it has nothing, or
// nothing that can be read.
func (n *Network) state(ctx context.Context, botID int64) (json.RawMessage, error) {
	var sealed string
	err := n.host.DB.ReadRow(ctx, "SELECT state FROM "+n.table()+" WHERE bot_id = ?", botID).Scan(&sealed)
	if errors.Is(err, db.ErrNotFound) || err == nil && sealed == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state of bot %d: %w", botID, err)
	}
	raw, err := n.host.Secrets.Open(n.place("state", botID), sealed)
	if err != nil {
		return nil, nil //nolint:nilerr // with another secret key it begins from the start
	}
	return json.RawMessage(raw), nil
}

// saveState stores what a program says of where it goes on.
func (n *Network) saveState(ctx context.Context, botID int64, value json.RawMessage) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO "+n.table()+" (bot_id, state) VALUES (?, ?) ON CONFLICT (bot_id) DO UPDATE SET state = excluded.state",
			botID, n.host.Secrets.Seal(n.place("state", botID), string(value))).Error
	})
	if errors.Is(err, gorm.ErrForeignKeyViolated) { // the bot is being disconnected
		return nil
	}
	return err
}

// Forget deletes what is stored of a bot.
func (n *Network) Forget(ctx context.Context, b report.Bot) error {
	n.mu.Lock()
	delete(n.failed, b.ID)
	delete(n.status, b.ID)
	n.mu.Unlock()
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		if err := n.subscribers.Forget(tx, b.ID); err != nil {
			return err
		}
		if err := n.host.DB.Store(n.host.Secrets, b.CityID, n.manifest.Network).Clear(tx); err != nil {
			return err
		}
		return tx.Exec("DELETE FROM "+n.table()+" WHERE bot_id = ?", b.ID).Error
	})
	if err != nil {
		return fmt.Errorf("forget bot %d: %w", b.ID, err)
	}
	return nil
}
