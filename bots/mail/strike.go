package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
)

const (
	// maxStrikes is after how many of them a subscriber is suspended. They are counted
	// once a day, refusals and bounces together.
	maxStrikes = 3
	// strikesApart is how far two are apart at least: midnight makes no two days of
	// one.
	strikesApart = 12 * time.Hour
	// bounceWindow is how long a bounce counts: it comes after the mail was
	// taken over, so that no success can reset the count.
	bounceWindow = 7 * 24 * time.Hour
)

// strikeKind is how a server said that the mailbox of a subscriber does not exist.
type strikeKind int

const (
	strikeRefusal strikeKind = iota
	strikeBounce
)

// strikes are those of a subscriber. A mail that is taken resets the refusals alone, as
// its bounce comes later.
type strikes struct{ Failures, FailedAt, Bounces, BouncedAt int64 }

func (s strikes) count() int { return int(s.Failures + s.Bounces) }

// with adds a strike, unless there is one of the same day. A bounce takes the place of
// a refusal.
func (s strikes) with(kind strikeKind, now time.Time) strikes {
	refused, bounced := s.Failures > 0 && isSameDay(s.FailedAt, now), s.Bounces > 0 && isSameDay(s.BouncedAt, now)
	if now.Sub(time.UnixMilli(s.BouncedAt)) > bounceWindow {
		s.Bounces, s.BouncedAt = 0, 0
	}
	switch {
	case bounced || refused && kind == strikeRefusal:
	case kind == strikeRefusal:
		s.Failures, s.FailedAt = s.Failures+1, now.UnixMilli()
	default:
		if refused {
			s.Failures--
		}
		s.Bounces, s.BouncedAt = s.Bounces+1, now.UnixMilli()
	}
	return s
}

// isSameDay tells whether two strikes are too near to count twice.
func isSameDay(last int64, now time.Time) bool {
	at := time.UnixMilli(last).UTC()
	return now.Sub(at) < strikesApart || now.Truncate(24*time.Hour).Equal(at.Truncate(24*time.Hour))
}

// strike counts that a server said that a mailbox does not exist. On the third day it
// suspends the subscriber: nothing is sent until they subscribe, or write to the city.
// One that is not there is no error.
func (n *Network) strike(ctx context.Context, botID, id int64, kind strikeKind) (suspended bool, err error) {
	var count int
	err = n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		count, err = n.countStrike(tx, botID, id, kind)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("count failure: %w", err)
	}
	if count < maxStrikes {
		return false, nil
	}
	if err := n.subscribers.Suspend(ctx, id, "mailbox gone"); err != nil {
		return false, err
	}
	return true, n.forgiveAll(ctx, id)
}

// countStrike counts a strike within tx, unless one was counted today, and returns how
// many there are of both kinds.
func (n *Network) countStrike(tx *gorm.DB, botID, id int64, kind strikeKind) (count int, err error) {
	if err := db.Lock(tx, "mail_recipients", id); err != nil {
		return 0, err
	}
	var before strikes
	if err := tx.Raw("SELECT failures, failed_at, bounces, bounced_at FROM mail_failures WHERE recipient_id = ?", id).Scan(&before).Error; err != nil {
		return 0, err
	}
	now := n.host.Now().UTC()
	after := before.with(kind, now)
	if after == before {
		return before.count(), nil
	}
	result := tx.Exec(`INSERT INTO mail_failures (recipient_id, failures, failed_at, bounces, bounced_at)
		SELECT id, CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT) FROM mail_recipients WHERE id = ? AND bot_id = ? AND suspended = 0
		ON CONFLICT (recipient_id) DO UPDATE SET failures = excluded.failures, failed_at = excluded.failed_at,
			bounces = excluded.bounces, bounced_at = excluded.bounced_at`,
		after.Failures, after.FailedAt, after.Bounces, after.BouncedAt, id, botID)
	if result.RowsAffected == 0 { // nobody is there
		return 0, result.Error
	}
	return after.count(), result.Error
}

// delivered ends a row of refused deliveries, where there is one.
func (n *Network) delivered(ctx context.Context, id int64) error {
	var failures int
	err := n.host.DB.ReadRow(ctx, "SELECT failures FROM mail_failures WHERE recipient_id = ?", id).Scan(&failures)
	if errors.Is(err, db.ErrNotFound) || err == nil && failures == 0 {
		return nil // as nearly always, and nothing is written
	}
	if err == nil {
		err = n.host.DB.Write(ctx, func(tx *gorm.DB) error {
			err := tx.Exec("UPDATE mail_failures SET failures = 0, failed_at = 0 WHERE recipient_id = ?", id).Error
			if err != nil {
				return err
			}
			return tx.Exec("DELETE FROM mail_failures WHERE recipient_id = ? AND bounces = 0 AND failures = 0", id).Error
		})
	}
	if err != nil {
		return fmt.Errorf("reset failures: %w", err)
	}
	return nil
}

// forgiveAll forgets all strikes of a subscriber.
func (n *Network) forgiveAll(ctx context.Context, id int64) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM mail_failures WHERE recipient_id = ?", id).Error
	})
	if err != nil {
		return fmt.Errorf("reset failures: %w", err)
	}
	return nil
}

// wake sends again to whoever was suspended and has proven to be there. Others do not
// subscribe by it.
func (n *Network) wake(ctx context.Context, botID int64, address string) error {
	s, err := n.subscribers.Find(ctx, botID, address)
	if errors.Is(err, db.ErrNotFound) || err == nil && s.Suspended.IsZero() {
		return nil
	}
	if err == nil {
		_, err = n.subscribers.Subscribe(ctx, botID, address)
	}
	return err
}
