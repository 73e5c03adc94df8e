package mail

import (
	"context"
	"fmt"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// migrations is the numbered list of this network. Add to its end; never
// change what was released. box seals the addresses of subscribers.
func migrations(box *secret.Box) []*gormigrate.Migration {
	return []*gormigrate.Migration{
		{ID: "mail_0001", Migrate: db.SQL(
			`CREATE TABLE mail_subscribers (
				id INTEGER PRIMARY KEY AUTOINCREMENT,
				bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
				email TEXT NOT NULL,
				created INTEGER NOT NULL,
				failures INTEGER NOT NULL DEFAULT 0,
				failed_delivery TEXT NOT NULL DEFAULT '',
				bounces INTEGER NOT NULL DEFAULT 0,
				bounced_at INTEGER NOT NULL DEFAULT 0,
				UNIQUE (bot_id, email))`,
			`CREATE TABLE mail_settings (
				bot_id INTEGER PRIMARY KEY REFERENCES bots(id) ON DELETE CASCADE,
				page TEXT NOT NULL)`,
			`CREATE TABLE mail_requests (
				id INTEGER PRIMARY KEY AUTOINCREMENT,
				bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
				address TEXT NOT NULL,
				at INTEGER NOT NULL)`,
			`CREATE INDEX mail_requests_address ON mail_requests(bot_id, address)`,
			`CREATE INDEX mail_requests_at ON mail_requests(at)`,
		)},
		{ID: "mail_0002", Migrate: sealing{box}.run},
		{ID: "mail_0003", Migrate: recipients.Keying(Name, box)},
		// The program counts the mails that strangers cause, of all pages together.
		{ID: "mail_0004", Migrate: db.SQL("DROP TABLE mail_requests")},
		{ID: "mail_0005", Migrate: db.SQL(
			`CREATE TABLE mail_ignored (
				bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
				day TEXT NOT NULL,
				reason TEXT NOT NULL,
				n INTEGER NOT NULL,
				PRIMARY KEY (bot_id, day, reason)) WITHOUT ROWID`,
			`CREATE TABLE mail_told (
				bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
				who TEXT NOT NULL,
				at INTEGER NOT NULL,
				PRIMARY KEY (bot_id, who)) WITHOUT ROWID`,
		)},
		// Failures are counted by the day, and no more by the delivery. What was counted
		// before may have been about us.
		{ID: "mail_0006", Migrate: db.SQL(
			"DELETE FROM mail_failures",
			"ALTER TABLE mail_failures ADD COLUMN failed_at INTEGER NOT NULL DEFAULT 0",
			"ALTER TABLE mail_failures DROP COLUMN failed_delivery",
		)},
		{ID: "mail_0007", Migrate: db.SQL(digestTables...)},
		{ID: "mail_0008", Migrate: recipients.AddLines(Name)},
		// What stood in mails of other servers: see formerLinks.
		{ID: "mail_0009", Migrate: db.SQL(`CREATE TABLE mail_former_links (
			hash TEXT PRIMARY KEY,
			recipient_id INTEGER NOT NULL REFERENCES mail_recipients(id) ON DELETE CASCADE) WITHOUT ROWID`,
			`CREATE INDEX mail_former_links_recipient ON mail_former_links(recipient_id)`)},
	}
}

// sealing moves the subscribers into the table of recipients, where their
// addresses are sealed. They keep their ids, which the addresses that take their
// bounces hold. What is left of bots that are gone is dropped.
type sealing struct{ box *secret.Box }

func (m sealing) run(tx *gorm.DB) error {
	for _, step := range []func(*gorm.DB) error{
		db.SQL(recipients.Tables(Name)...),
		m.subscribers,
		db.SQL(
			`CREATE TABLE mail_failures (
				recipient_id INTEGER PRIMARY KEY REFERENCES mail_recipients(id) ON DELETE CASCADE,
				failures INTEGER NOT NULL DEFAULT 0,
				failed_delivery TEXT NOT NULL DEFAULT '',
				bounces INTEGER NOT NULL DEFAULT 0,
				bounced_at INTEGER NOT NULL DEFAULT 0)`,
			`INSERT INTO mail_failures (recipient_id, failures, failed_delivery, bounces, bounced_at)
				SELECT id, failures, failed_delivery, bounces, bounced_at FROM mail_subscribers
				WHERE (failures > 0 OR bounces > 0) AND id IN (SELECT id FROM mail_recipients)`,
			// A late bounce about somebody who has gone must not find a new subscriber.
			`DELETE FROM sqlite_sequence WHERE name = 'mail_recipients'`,
			`INSERT INTO sqlite_sequence (name, seq)
				SELECT 'mail_recipients', seq FROM sqlite_sequence WHERE name = 'mail_subscribers'`,
		),
		db.SQL("DROP TABLE mail_subscribers"),
	} {
		if err := step(tx); err != nil {
			return err
		}
	}
	return nil
}

func (m sealing) subscribers(tx *gorm.DB) error {
	var rows []struct {
		ID, BotID, Created int64
		Email              string
	}
	err := tx.Raw(`SELECT mail_subscribers.id, bot_id, email, mail_subscribers.created FROM mail_subscribers
		JOIN bots ON bots.id = bot_id ORDER BY mail_subscribers.id`).Scan(&rows).Error
	if err != nil {
		return err
	}
	store := recipients.ForMigration(Name, m.box)
	for _, r := range rows {
		err := store.Put(tx, recipients.Recipient{ID: r.ID, BotID: r.BotID, Address: r.Email, Created: time.UnixMilli(r.Created)})
		if err != nil {
			return err
		}
	}
	return nil
}

// Recipients returns the confirmed subscribers, but for the author of r, with
// everyDigest in the place of those who get one mail an hour.
func (n *Network) Recipients(ctx context.Context, b report.Bot, r report.Report) ([]int64, error) {
	ids, err := n.subscribers.List(ctx, b.ID, r)
	if err != nil {
		return nil, err
	}
	return n.withDigests(ctx, b.ID, ids)
}

// RemoveRecipient forgets a subscriber.
func (n *Network) RemoveRecipient(ctx context.Context, b report.Bot, recipient int64) error {
	return n.subscribers.Remove(ctx, b.ID, recipient)
}

// CountRecipients returns the number of confirmed subscribers.
func (n *Network) CountRecipients(ctx context.Context, b report.Bot) (int, error) {
	return n.subscribers.Count(ctx, b.ID)
}

// page returns the markdown of a bot's mail page as the moderator wrote it;
// empty means the default.
func (n *Network) page(ctx context.Context, botID int64) (string, error) {
	var pages []string
	err := n.host.DB.Read(ctx).Raw("SELECT page FROM mail_settings WHERE bot_id = ?", botID).Scan(&pages).Error
	if err != nil {
		return "", fmt.Errorf("mail page: %w", err)
	}
	if len(pages) == 0 {
		return "", nil
	}
	return pages[0], nil
}

func (n *Network) savePage(ctx context.Context, botID int64, page string) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO mail_settings (bot_id, page) VALUES (?, ?)
			ON CONFLICT (bot_id) DO UPDATE SET page = excluded.page`, botID, page).Error
	})
	if err != nil {
		return fmt.Errorf("save mail page: %w", err)
	}
	return nil
}

// Forget deletes the bot's subscribers, what waits for them, its page and what was counted.
func (n *Network) Forget(ctx context.Context, b report.Bot) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		if err := n.subscribers.Forget(tx, b.ID); err != nil {
			return err
		}
		for _, table := range []string{"mail_digest_reports", "mail_settings", "mail_ignored", "mail_told"} {
			if err := tx.Exec("DELETE FROM "+table+" WHERE bot_id = ?", b.ID).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget mail bot: %w", err)
	}
	return nil
}

// Subscribers returns whom a bot sends to, for the operator.
func (n *Network) Subscribers(ctx context.Context, b report.Bot, suspended bool) ([]bots.Subscriber, error) {
	return n.subscribers.Subscribers(ctx, b.ID, suspended)
}

// ResumeSubscriber has one be sent to again that is suspended.
func (n *Network) ResumeSubscriber(ctx context.Context, b report.Bot, id int64) (bool, error) {
	return n.subscribers.Resume(ctx, b.ID, id)
}

// CountSuspended returns to how many nothing is sent.
func (n *Network) CountSuspended(ctx context.Context) (int, error) {
	return n.subscribers.CountSuspended(ctx)
}
