package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// migrations is the numbered list of this network. Add to its end; never
// change what was released.
var migrations = []*gormigrate.Migration{
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
}

const (
	// maxFailures is at how many failed reports in a row a subscriber is
	// removed.
	maxFailures = 3
	// bounceWindow is how long a bounce counts: it comes after the mail was
	// taken over, so that no success can reset the count.
	bounceWindow = 7 * 24 * time.Hour
	// maxRequests is how many mails a day an address gets because somebody
	// typed it into a city's form.
	maxRequests = 3
)

// subscriber is somebody who confirmed that they want a city's reports.
type subscriber struct {
	ID       int64
	Email    string // lower case
	Failures int    // reports in a row that the address refused
}

// subscribe stores a confirmed subscriber. One that is there already is no
// error; a bot that is gone is db.ErrNotFound.
func (n *Network) subscribe(ctx context.Context, botID int64, email string) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO mail_subscribers (bot_id, email, created) VALUES (?, ?, ?)
			ON CONFLICT (bot_id, email) DO NOTHING`, botID, email, n.host.Now().UnixMilli()).Error
	})
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = db.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// unsubscribe forgets a subscriber and tells whether there was one.
func (n *Network) unsubscribe(ctx context.Context, botID int64, email string) (bool, error) {
	var removed bool
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("DELETE FROM mail_subscribers WHERE bot_id = ? AND email = ?", botID, email)
		removed = result.RowsAffected > 0
		return result.Error
	})
	if err != nil {
		return false, fmt.Errorf("unsubscribe: %w", err)
	}
	return removed, nil
}

// findSubscriber returns a subscriber of the bot, or db.ErrNotFound.
func (n *Network) findSubscriber(ctx context.Context, botID int64, email string) (subscriber, error) {
	s := subscriber{Email: email}
	err := n.host.DB.ReadRow(ctx, "SELECT id, failures FROM mail_subscribers WHERE bot_id = ? AND email = ?", botID, email).
		Scan(&s.ID, &s.Failures)
	if err != nil {
		return subscriber{}, fmt.Errorf("subscriber: %w", err)
	}
	return s, nil
}

// Recipients returns the confirmed subscribers, but for the author of r.
func (n *Network) Recipients(ctx context.Context, b report.Bot, r report.Report) ([]string, error) {
	emails, err := db.ReadColumn[string](ctx, n.host.DB, "SELECT email FROM mail_subscribers WHERE bot_id = ? ORDER BY id", b.ID)
	if err != nil {
		return nil, fmt.Errorf("list subscribers: %w", err)
	}
	if r.Network != Name {
		return emails, nil
	}
	others := emails[:0]
	for _, email := range emails {
		if n.host.Secrets.Author(Name, email) != r.Author {
			others = append(others, email)
		}
	}
	return others, nil
}

// RemoveRecipient forgets a subscriber.
func (n *Network) RemoveRecipient(ctx context.Context, b report.Bot, recipient string) error {
	_, err := n.unsubscribe(ctx, b.ID, recipient)
	return err
}

// CountRecipients returns the number of confirmed subscribers.
func (n *Network) CountRecipients(ctx context.Context, b report.Bot) (int, error) {
	var count int
	err := n.host.DB.Read(ctx).Raw("SELECT count(*) FROM mail_subscribers WHERE bot_id = ?", b.ID).Scan(&count).Error
	if err != nil {
		return 0, fmt.Errorf("count subscribers: %w", err)
	}
	return count, nil
}

// failed counts a delivery that the subscriber's server refused, each delivery
// once, and returns how many were refused in a row.
func (n *Network) failed(ctx context.Context, id int64, delivery string) (int, error) {
	var row struct{ Failures int }
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`UPDATE mail_subscribers SET failures = failures + 1, failed_delivery = ?
			WHERE id = ? AND failed_delivery <> ?`, delivery, id, delivery).Error
		if err != nil {
			return err
		}
		return tx.Raw("SELECT failures FROM mail_subscribers WHERE id = ?", id).Scan(&row).Error
	})
	if err != nil {
		return 0, fmt.Errorf("count failure: %w", err)
	}
	return row.Failures, nil
}

// delivered ends a row of refused deliveries.
func (n *Network) delivered(ctx context.Context, id int64) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE mail_subscribers SET failures = 0, failed_delivery = '' WHERE id = ?", id).Error
	})
	if err != nil {
		return fmt.Errorf("reset failures: %w", err)
	}
	return nil
}

// bounced counts a delivery report about a subscriber; the third within
// bounceWindow of each other removes the subscriber, which it returns. One
// that is not there is no error.
func (n *Network) bounced(ctx context.Context, botID, id int64) (removed bool, err error) {
	now := n.host.Now()
	err = n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`UPDATE mail_subscribers
			SET bounces = CASE WHEN bounced_at >= ? THEN bounces + 1 ELSE 1 END, bounced_at = ?
			WHERE id = ? AND bot_id = ?`, now.Add(-bounceWindow).UnixMilli(), now.UnixMilli(), id, botID).Error
		if err != nil {
			return err
		}
		result := tx.Exec("DELETE FROM mail_subscribers WHERE id = ? AND bot_id = ? AND bounces >= ?", id, botID, maxFailures)
		removed = result.RowsAffected > 0
		return result.Error
	})
	if err != nil {
		return false, fmt.Errorf("count bounce: %w", err)
	}
	return removed, nil
}

// requested notes that a mail is about to go to an address that somebody typed
// in, and tells whether it may. address is a hash.
func (n *Network) requested(ctx context.Context, botID int64, address string) (bool, error) {
	var allowed bool
	now := n.host.Now()
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM mail_requests WHERE at < ?", now.Add(-24*time.Hour).UnixMilli()).Error; err != nil {
			return err
		}
		var count int
		if err := tx.Raw("SELECT count(*) FROM mail_requests WHERE bot_id = ? AND address = ?", botID, address).Scan(&count).Error; err != nil {
			return err
		}
		if allowed = count < maxRequests; !allowed {
			return nil
		}
		return tx.Exec("INSERT INTO mail_requests (bot_id, address, at) VALUES (?, ?, ?)", botID, address, now.UnixMilli()).Error
	})
	if err != nil {
		return false, fmt.Errorf("count request: %w", err)
	}
	return allowed, nil
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

// Forget deletes the bot's subscribers, its page and the requests.
func (n *Network) Forget(ctx context.Context, b report.Bot) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		for _, table := range []string{"mail_subscribers", "mail_settings", "mail_requests"} {
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
