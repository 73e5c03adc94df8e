package post

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// PostsTable returns the statements that make the table <network>_posts.
func PostsTable(network string) []string {
	return []string{
		`CREATE TABLE ` + network + `_posts (
			id TEXT PRIMARY KEY,
			bot_id INTEGER NOT NULL,
			status_id TEXT NOT NULL,
			url TEXT NOT NULL,
			at INTEGER NOT NULL) WITHOUT ROWID`,
		`CREATE INDEX ` + network + `_posts_bot ON ` + network + `_posts(bot_id, status_id)`,
		`CREATE INDEX ` + network + `_posts_at ON ` + network + `_posts(at)`,
	}
}

// posts remembers what was posted, and what is about to be: so that nothing is
// posted twice, also where the service does not know idempotency keys.
type posts struct {
	network string
	table   string
	db      *db.DB
	now     func() time.Time
	keep    time.Duration // how long they are remembered
}

func newPosts(network string, h bots.Host) *posts {
	return &posts{network: network, table: network + "_posts", db: h.DB, now: h.Now, keep: h.Config.Reports.Keep}
}

// record is a post that went out, or was tried while its receipt has no id.
type record struct {
	receipt report.Receipt
	at      time.Time // of the attempt
}

// find returns the record of a key, or db.ErrNotFound.
func (p *posts) find(ctx context.Context, key string) (record, error) {
	var r record
	var at int64
	err := p.db.ReadRow(ctx, "SELECT status_id, url, at FROM "+p.table+" WHERE id = ?", key).Scan(&r.receipt.ID, &r.receipt.URL, &at)
	if err != nil {
		return record{}, fmt.Errorf("%s post: %w", p.network, err)
	}
	r.at = time.UnixMilli(at)
	return r, nil
}

// save stores what was posted under a key, or that it is about to be, and drops
// what is too old to be sent again. It is on disk some milliseconds later, before
// what became of the delivery is.
func (p *posts) save(ctx context.Context, key string, botID int64, r report.Receipt) error {
	now := p.now()
	err := p.db.WriteSoon(ctx, func(tx *gorm.DB) error {
		if err := db.Later(tx, "DELETE FROM "+p.table+" WHERE at < ?", now.Add(-p.keep).UnixMilli()); err != nil {
			return err
		}
		return db.Later(tx, "INSERT INTO "+p.table+` (id, bot_id, status_id, url, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET status_id = excluded.status_id, url = excluded.url, at = excluded.at`,
			key, botID, r.ID, r.URL, now.UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("record %s post: %w", p.network, err)
	}
	p.db.AfterSync(func(error) {}) // who has to know asks for itself
	return nil
}

// isKnown tells whether a receipt is that of some delivery.
func (p *posts) isKnown(ctx context.Context, botID int64, receiptID string) (bool, error) {
	var n int
	err := p.db.ReadRow(ctx, "SELECT count(*) FROM "+p.table+" WHERE bot_id = ? AND status_id = ?", botID, receiptID).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("%s posts: %w", p.network, err)
	}
	return n > 0, nil
}

// forget deletes within tx what is remembered of a bot.
func (p *posts) forget(tx *gorm.DB, botID int64) error {
	return tx.Exec("DELETE FROM "+p.table+" WHERE bot_id = ?", botID).Error
}
