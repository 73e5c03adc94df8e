package mail

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// digestTables are what those who get one mail an hour need, as migration mail_0007
// makes them: never change what was released. A report waits once for
// all of a bot, in the order in which reports passed: one that was held comes after
// those that came later. last is the last that a subscriber was mailed, or need not be.
// until is set where somebody gets each report at once again: what comes after it is
// mailed so.
var digestTables = []string{
	`CREATE TABLE mail_digest_reports (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
		report INTEGER NOT NULL REFERENCES reports(seq) ON DELETE CASCADE,
		UNIQUE (report, bot_id))`,
	`CREATE INDEX mail_digest_reports_bot ON mail_digest_reports(bot_id, id)`,
	`CREATE TABLE mail_digests (
		recipient_id INTEGER PRIMARY KEY REFERENCES mail_recipients(id) ON DELETE CASCADE,
		bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
		last INTEGER NOT NULL,
		until INTEGER,
		due INTEGER NOT NULL DEFAULT 0)`,
	`CREATE INDEX mail_digests_due ON mail_digests(bot_id, due)`,
	`ALTER TABLE mail_settings ADD COLUMN digest INTEGER NOT NULL DEFAULT TRUE`,
}

// newestDigestReport is the last of all that wait; its number is never used again.
const newestDigestReport = "(SELECT coalesce(max(id), 0) FROM mail_digest_reports)"

// digestOffer is whether a bot's subscribers may choose one mail an hour.
type digestOffer struct {
	cityID int64
	on     bool
}

// offersDigest tells whether subscribers of a bot may choose one mail an hour.
func (n *Network) offersDigest(ctx context.Context, b report.Bot) (bool, error) {
	offer, err := n.offers.Get(b.ID, func() (digestOffer, error) {
		o := digestOffer{b.CityID, true}
		err := n.host.DB.ReadRow(ctx, "SELECT digest FROM mail_settings WHERE bot_id = ?", b.ID).Scan(&o.on)
		if errors.Is(err, db.ErrNotFound) {
			err = nil
		}
		return o, err
	})
	if err != nil {
		return false, fmt.Errorf("mail digest: %w", err)
	}
	return offer.on, nil
}

// saveOffer stores whether subscribers may choose one mail an hour. Where they may not
// any more, those who had it get each report at once.
func (n *Network) saveOffer(ctx context.Context, b report.Bot, on bool) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`INSERT INTO mail_settings (bot_id, page, digest) VALUES (?, '', ?)
			ON CONFLICT (bot_id) DO UPDATE SET digest = excluded.digest`, b.ID, on).Error
		if err != nil || on {
			return err
		}
		return endDigests(tx, "bot_id = ?", b.ID)
	})
	if err != nil {
		return fmt.Errorf("save mail digest: %w", err)
	}
	n.host.Notices.Changed(b.CityID)
	return nil
}

// getsDigest tells whether a subscriber gets one mail an hour.
func (n *Network) getsDigest(ctx context.Context, recipient int64) (gets bool, err error) {
	err = n.host.DB.ReadRow(ctx, "SELECT EXISTS (SELECT 1 FROM mail_digests WHERE recipient_id = ? AND until IS NULL)", recipient).Scan(&gets)
	if err != nil {
		return false, fmt.Errorf("mail digest: %w", err)
	}
	return gets, nil
}

// setDigest has a subscriber get one mail an hour, or each report at once. One that is
// not there is no error.
func (n *Network) setDigest(ctx context.Context, recipient int64, on bool) error {
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		if !on {
			return endDigests(tx, "recipient_id = ?", recipient)
		}
		return tx.Exec(`INSERT INTO mail_digests (recipient_id, bot_id, last) SELECT id, bot_id, `+newestDigestReport+` FROM mail_recipients WHERE id = ?
			ON CONFLICT (recipient_id) DO UPDATE SET until = NULL`, recipient).Error
	})
	if err != nil {
		return fmt.Errorf("save mail digest: %w", err)
	}
	return nil
}

// endDigests has subscribers get each report at once. What waits for them comes in one
// more mail when it is due.
func endDigests(tx *gorm.DB, which string, id int64) error {
	err := tx.Exec("UPDATE mail_digests SET until = "+newestDigestReport+" WHERE until IS NULL AND "+which, id).Error
	if err != nil {
		return err
	}
	return tx.Exec(`DELETE FROM mail_digests WHERE until IS NOT NULL AND `+which+` AND NOT EXISTS (SELECT 1 FROM mail_digest_reports AS r
		WHERE r.bot_id = mail_digests.bot_id AND r.id > last AND r.id <= until)`, id).Error
}

// withDigests puts everyDigest before the ids, in ascending order, in the place of those who
// get one mail an hour.
func (n *Network) withDigests(ctx context.Context, botID int64, ids []int64) ([]int64, error) {
	hourly, err := db.ReadColumn[int64](ctx, n.host.DB, "SELECT recipient_id FROM mail_digests WHERE bot_id = ? AND until IS NULL", botID)
	if err != nil {
		return nil, fmt.Errorf("list mail digests: %w", err)
	}
	slices.Sort(hourly)
	atOnce := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool {
		_, found := slices.BinarySearch(hourly, id)
		return found
	})
	if len(atOnce) < len(ids) {
		atOnce = slices.Insert(atOnce, 0, everyDigest) // where no other process sends: the one that queues it knows when it is due
	}
	return atOnce, nil
}

// countDigests is how many subscribers of a bot get one mail an hour.
func (n *Network) countDigests(ctx context.Context, botID int64) (count int, err error) {
	err = n.host.DB.ReadRow(ctx, "SELECT count(*) FROM mail_digests WHERE bot_id = ? AND until IS NULL", botID).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("count mail digests: %w", err)
	}
	return count, nil
}

// queueDigest has a report wait for the mails of those who get one an hour. One that is
// gone or was taken back does not.
func (n *Network) queueDigest(ctx context.Context, d report.Delivery) error {
	judged, err := n.host.DB.Report(ctx, d.CityID, d.Report.ID)
	if errors.Is(err, db.ErrNotFound) || err == nil && !judged.Verdict.Passed {
		return nil
	}
	if err == nil {
		// It is stored before the delivery is said to be done, and so on disk before it.
		err = n.host.DB.WriteSoon(ctx, func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO mail_digest_reports (bot_id, report) VALUES (?, ?) ON CONFLICT DO NOTHING", d.BotID, judged.Seq).Error
		})
	}
	if err != nil && !errors.Is(err, gorm.ErrForeignKeyViolated) {
		return fmt.Errorf("queue for mail digests: %w", err)
	}
	n.digests.add(d.BotID, n.host.Now())
	return nil
}

// digest is what is known of a subscriber who gets one mail an hour.
type digest struct {
	Recipient int64 `gorm:"column:recipient_id"`
	Last      int64
	Until     sql.NullInt64
	Due       int64
}

// has tells whether a report that waits is for that mail.
func (d digest) has(id int64) bool { return id > d.Last && (!d.Until.Valid || id <= d.Until.Int64) }

// openDigests is the end of a query of those for whom something waits.
const openDigests = ` FROM mail_digests AS d JOIN mail_recipients AS s ON s.id = d.recipient_id
	WHERE d.bot_id = ?1 AND s.suspended = 0 AND d.last < (SELECT max(id) FROM mail_digest_reports WHERE bot_id = ?1)`

// claimDigests returns the few of a bot that have been due for longest, and keeps other
// processes from sending them. One whose process is killed is due again after
// digestClaim.
func (n *Network) claimDigests(ctx context.Context, botID int64) (list []digest, err error) {
	now := n.host.Now()
	err = n.host.DB.WriteSoon(ctx, func(tx *gorm.DB) error {
		list = nil
		var due []digest
		err := tx.Raw("SELECT d.recipient_id, d.last, d.until, d.due"+openDigests+" AND d.due <= ?2 ORDER BY d.due LIMIT ?3",
			botID, now.UnixMilli(), digestsAtOnce).Scan(&due).Error
		if err != nil {
			return err
		}
		for _, one := range due {
			claimed := tx.Exec("UPDATE mail_digests SET due = ? WHERE recipient_id = ? AND due = ?", now.Add(digestClaim).UnixMilli(), one.Recipient, one.Due)
			if claimed.Error != nil {
				return claimed.Error
			}
			if claimed.RowsAffected > 0 {
				list = append(list, one)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claim mail digests: %w", err)
	}
	return list, nil
}

// nextDigest is when the next of a bot for which something waits is due; the zero time
// where there is none. What is due later than any wait was stored when the clock was
// wrong, and is due now.
func (n *Network) nextDigest(ctx context.Context, botID int64) (time.Time, error) {
	var due int64
	err := n.host.DB.ReadRow(ctx, "SELECT d.due"+openDigests+" ORDER BY d.due LIMIT 1", botID).Scan(&due)
	if errors.Is(err, db.ErrNotFound) {
		return time.Time{}, nil
	}
	next, now := time.UnixMilli(due), n.host.Now()
	if err == nil && next.Sub(now) > farthestDigest {
		next, err = now, n.host.DB.WriteSoon(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE mail_digests SET due = 0 WHERE bot_id = ? AND due >= ?", botID, due).Error
		})
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("next mail digest: %w", err)
	}
	return next, nil
}

// endDigest notes that a subscriber was mailed all that waits up to last, or need not
// be, and when the next mail may come.
func (n *Network) endDigest(ctx context.Context, d digest, last int64, due time.Time) error {
	err := n.host.DB.WriteSoon(ctx, func(tx *gorm.DB) error {
		err := tx.Exec("UPDATE mail_digests SET last = ?, due = ? WHERE recipient_id = ?", last, due.UnixMilli(), d.Recipient).Error
		if err != nil {
			return err
		}
		return tx.Exec("DELETE FROM mail_digests WHERE recipient_id = ? AND until <= last", d.Recipient).Error
	})
	if err != nil {
		return fmt.Errorf("end mail digest: %w", err)
	}
	return nil
}

// putDigestOff has a mail that could not be sent be tried again later, without the
// reports up to last.
func (n *Network) putDigestOff(ctx context.Context, d digest, last int64) error {
	due := n.host.Now().Add(digestRetry).UnixMilli()
	return n.host.DB.WriteSoon(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE mail_digests SET last = CASE WHEN last < ?1 THEN ?1 ELSE last END, due = ?2 WHERE recipient_id = ?3", last, due, d.Recipient).Error
	})
}

// digestReport is a report that waits.
type digestReport struct {
	id int64
	report.Report
}

// digestReports returns the newest reports that wait for the mails of a bot, after that
// one, without those that were taken back or are too old, and the number of the newest.
func (n *Network) digestReports(ctx context.Context, botID, after int64) (list []digestReport, newest int64, err error) {
	var rows []struct{ ID, Report int64 }
	err = n.host.DB.Read(ctx).Raw("SELECT id, report FROM mail_digest_reports WHERE bot_id = ? AND id > ? ORDER BY id DESC LIMIT ?", botID, after, maxDigestReports).
		Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, after, err
	}
	seqs, ids := make([]int64, len(rows)), make(map[int64]int64, len(rows))
	for i, r := range rows {
		seqs[i], ids[r.Report] = r.Report, r.ID
	}
	passed, err := n.host.DB.PassedReports(ctx, seqs)
	for _, p := range passed {
		if n.host.Now().Sub(p.Report.Time) <= digestKeep {
			list = append(list, digestReport{ids[p.Seq], p.Report})
		}
	}
	slices.SortFunc(list, func(a, b digestReport) int { return cmp.Compare(a.id, b.id) })
	return list, rows[0].ID, err
}

// hasDigests tells whether there are subscribers of a bot who get one mail an hour.
func (n *Network) hasDigests(ctx context.Context, botID int64) (some bool, err error) {
	if err := n.host.DB.ReadRow(ctx, "SELECT EXISTS (SELECT 1 FROM mail_digests WHERE bot_id = ?)", botID).Scan(&some); err != nil {
		return false, fmt.Errorf("find mail digests: %w", err)
	}
	return some, nil
}
