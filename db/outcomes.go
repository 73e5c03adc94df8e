package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Result says how a delivery ended.
type Result string

// The results of a delivery.
const (
	Sent      Result = "sent"
	Failed    Result = "failed"  // permanently
	Expired   Result = "expired" // the report got too old first
	Retracted Result = "retracted"
	Kept      Result = "kept" // it was to be taken back and cannot be
)

// Results are all of them.
func Results() []Result { return []Result{Sent, Failed, Expired, Retracted, Kept} }

// Outcome is what became of some deliveries of a fanout, and how it stands then.
type Outcome struct {
	Fanout   *Fanout // which one: its ID, Seq, BotID and Retract
	Claim    Claim   // to its city, from when it was taken in hand
	Open     uint64  // what is open now; nothing: the fanout is done and deleted
	Attempts int
	Due      time.Time
	Counts   Counts // of those that ended
	Receipts []SentReceipt
	Retired  []int64  // receipts that were taken back or never can be
	PutOff   []PutOff // no longer open in this fanout: each gets one of its own
	// Holder is who holds a spare fanout then, as Fanout.Holder is; nil: it is spare no more.
	Holder *string
}

// PutOff is a delivery that waits by itself.
type PutOff struct {
	Recipient int64
	Attempts  int
	Due       time.Time
}

// Counts is how many deliveries ended how.
type Counts struct {
	Sent      int
	Failed    int // permanently
	Expired   int // the report got too old first
	Retracted int
}

func (c Counts) none() bool { return c == Counts{} }

// SentReceipt is what the network answered to one delivery.
type SentReceipt struct {
	Recipient int64
	Receipt   report.Receipt // with an id: without one nothing can be taken back
}

// SaveOutcomes stores what became of deliveries, in one transaction. It returns when
// that is committed and not yet on disk: see OnSync. The error is ErrNotOurs where one of
// their claims is over. What was sent of a report that
// was taken back meanwhile becomes a fanout that takes it back; bots are those that
// have got such fanouts.
func (d *DB) SaveOutcomes(ctx context.Context, list []Outcome) (bots []int64, err error) {
	claims := d.claims(len(list), func(i int) Claim { return list[i].Claim })
	if d.shares() { // others count for the same reports: all do so in one order
		list = slices.SortedFunc(slices.Values(list), func(a, b Outcome) int {
			return cmp.Or(cmp.Compare(a.Fanout.Seq, b.Fanout.Seq), cmp.Compare(a.Fanout.BotID, b.Fanout.BotID))
		})
	}
	err = d.do(ctx, &job{soon: true, rows: len(list), claims: claims, fn: func(tx *gorm.DB) error {
		bots = nil
		for i := range list {
			more, err := d.saveOutcome(tx, &list[i])
			if err != nil {
				return err
			}
			if more {
				bots = append(bots, list[i].Fanout.BotID)
			}
		}
		return nil
	}})
	if err != nil {
		return nil, fmt.Errorf("save outcomes: %w", err)
	}
	return bots, nil
}

// saveOutcome stores one of them. more says that there is something new to take back.
func (d *DB) saveOutcome(tx *gorm.DB, o *Outcome) (more bool, err error) {
	if len(o.PutOff) > 0 { // who takes the report back meanwhile is to find those fanouts, too
		if err := lockReport(tx, o.Fanout.Seq); err != nil {
			return false, err
		}
	}
	there, err := updateFanout(tx, o)
	if err != nil {
		return false, err
	}
	if !there {
		o.Counts.Expired = 0 // who deleted the fanout has counted them
	}
	if err := addCounts(tx, o.Fanout, o.Counts); err != nil {
		return false, err
	}
	if there {
		if err := d.putOff(tx, o); err != nil {
			return false, err
		}
	}
	for _, id := range o.Retired {
		if err := Later(tx, "DELETE FROM receipts WHERE id = ?", id); err != nil {
			return false, err
		}
	}
	if there {
		return false, addReceipts(tx, o)
	}
	ids, err := insertReceipts(tx, o)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	return d.retractLate(tx, o.Fanout, ids)
}

// updateFanout stores what is still open of a fanout, or deletes it where nothing
// is. It is false where the fanout is not there any more.
func updateFanout(tx *gorm.DB, o *Outcome) (there bool, err error) {
	if o.Fanout.Spare {
		return updateSpare(tx, o)
	}
	statement, args := "DELETE FROM fanouts WHERE id = ?", []any{o.Fanout.ID}
	if o.Open != 0 {
		statement, args = "UPDATE fanouts SET open = ?, attempts = ?, due = ? WHERE id = ?", []any{int64(o.Open), o.Attempts, millis(o.Due), o.Fanout.ID}
	}
	return changeOne(tx, statement, args...)
}

// putOff stores the fanouts of what waits by itself.
func (d *DB) putOff(tx *gorm.DB, o *Outcome) error {
	for _, p := range o.PutOff {
		f := *o.Fanout
		f.Recipients, f.Open, f.Attempts, f.Due, f.Spare = []int64{p.Recipient}, 1, p.Attempts, p.Due, false
		if err := d.insertFanout(tx, &f); err != nil {
			return err
		}
	}
	return nil
}

// addCounts adds to what became of the deliveries of a report. It does nothing where
// the report was deleted.
func addCounts(tx *gorm.DB, f *Fanout, c Counts) error {
	if c.none() {
		return nil
	}
	sent := c.Sent
	if f.Retract {
		sent = -c.Retracted
	}
	return Later(tx, `INSERT INTO outcomes (report, bot_id, sent, failed, expired, retracted)
		SELECT seq, ?, ?, ?, ?, ? FROM reports WHERE seq = ?
		ON CONFLICT (report, bot_id) DO UPDATE SET sent = outcomes.sent + excluded.sent, failed = outcomes.failed + excluded.failed,
			expired = outcomes.expired + excluded.expired, retracted = outcomes.retracted + excluded.retracted`,
		f.BotID, sent, c.Failed, c.Expired, c.Retracted, f.Seq)
}

const insertReceipt = `INSERT INTO receipts (report, bot_id, recipient, remote_id, url)
	SELECT seq, ?, ?, ?, ? FROM reports WHERE seq = ?`

// addReceipts stores receipts. It does nothing where the report was deleted.
func addReceipts(tx *gorm.DB, o *Outcome) error {
	for _, s := range o.Receipts {
		if err := Later(tx, insertReceipt, o.Fanout.BotID, s.Recipient, s.Receipt.ID, s.Receipt.URL, o.Fanout.Seq); err != nil {
			return err
		}
	}
	return nil
}

// insertReceipts stores receipts and returns their ids: none where the report was
// deleted.
func insertReceipts(tx *gorm.DB, o *Outcome) (ids []int64, err error) {
	for _, s := range o.Receipts {
		var id int64
		err := queryRow(tx, insertReceipt+" RETURNING id", o.Fanout.BotID, s.Recipient, s.Receipt.ID, s.Receipt.URL, o.Fanout.Seq).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil // the report was deleted
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// retractLate takes back what was being sent while its report was taken back.
func (d *DB) retractLate(tx *gorm.DB, f *Fanout, receipts []int64) (bool, error) {
	var taken bool
	err := queryRow(tx, "SELECT EXISTS (SELECT 1 FROM reports WHERE seq = ? AND reason = ?)", f.Seq, string(report.ReasonTakenBack)).Scan(&taken)
	if err != nil || !taken {
		return false, err
	}
	for _, late := range newFanouts(Heard{Seq: f.Seq, Report: f.Report}, f.BotID, true, receipts, d.now()) {
		if err := d.insertFanout(tx, &late); err != nil {
			return false, err
		}
	}
	return true, nil
}

// Receipt returns what the network answered to the delivery that a retracting
// fanout names, or ErrNotFound.
func (d *DB) Receipt(ctx context.Context, id int64) (SentReceipt, error) {
	var s SentReceipt
	err := d.ReadRow(ctx, "SELECT recipient, remote_id, url FROM receipts WHERE id = ?", id).
		Scan(&s.Recipient, &s.Receipt.ID, &s.Receipt.URL)
	if err != nil {
		return SentReceipt{}, fmt.Errorf("receipt: %w", err)
	}
	return s, nil
}

// ForgetReceipts deletes what a network answered to deliveries to a recipient: none of
// them can be taken back any more.
func (d *DB) ForgetReceipts(ctx context.Context, botID, recipient int64) error {
	// They are looked for where nobody waits: no index leads to them.
	ids, err := ReadColumn[int64](ctx, d, "SELECT id FROM receipts WHERE bot_id = ? AND recipient = ?", botID, recipient)
	if err == nil && len(ids) > 0 {
		err = d.Write(ctx, func(tx *gorm.DB) error { return tx.Exec("DELETE FROM receipts WHERE id IN ?", ids).Error })
	}
	if err != nil {
		return fmt.Errorf("forget receipts: %w", err)
	}
	return nil
}

// Counts returns what became of the deliveries of a report.
func (d *DB) Counts(ctx context.Context, reportID string) (Counts, error) {
	byBot, err := d.CountsByBot(ctx, reportID)
	var all Counts
	for _, c := range byBot {
		all.Sent += c.Sent
		all.Failed += c.Failed
		all.Expired += c.Expired
		all.Retracted += c.Retracted
	}
	return all, err
}

// CountsByBot returns what became of the deliveries of a report, by the id of the
// bot.
func (d *DB) CountsByBot(ctx context.Context, reportID string) (map[int64]Counts, error) {
	rows, err := d.query(ctx, `SELECT bot_id, sent, failed, expired, retracted FROM outcomes
		WHERE report = (SELECT seq FROM reports WHERE id = ?)`, reportID)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	defer rows.Close()
	byBot := make(map[int64]Counts)
	for rows.Next() {
		var botID int64
		var c Counts
		if err := rows.Scan(&botID, &c.Sent, &c.Failed, &c.Expired, &c.Retracted); err != nil {
			return nil, fmt.Errorf("count deliveries: %w", err)
		}
		byBot[botID] = c
	}
	return byBot, d.ended(rows)
}

// retractFor is how long taking back is tried.
const retractFor = 48 * time.Hour

// expireAtOnce is how many fanouts Expire ends in one transaction.
const expireAtOnce = 50

// Expire ends the fanouts of reports that are older than expire, and those that
// have tried for too long to take something back: those of bots that do not run.
// inHand leaves out those that a bot is working on. It returns how many deliveries
// of each bot have expired, and whether there may be more.
func (d *DB) Expire(ctx context.Context, expire time.Duration, inHand func(botID, id int64) bool) (byBot map[int64]int, more bool, err error) {
	ids, more, err := d.expired(ctx, expire, inHand)
	if err != nil {
		return nil, false, fmt.Errorf("list what has expired: %w", err)
	}
	var list []Outcome
	for _, id := range ids {
		f, err := d.fanout(ctx, id)
		if err != nil || inHand(f.BotID, id) {
			continue // it has ended, or does by itself
		}
		list = append(list, Outcome{Fanout: &f, Claim: d.Claim(f.Report.CityID), Counts: f.ExpiredCounts()})
	}
	if len(list) == 0 {
		return nil, false, nil
	}
	if _, err = d.SaveOutcomes(ctx, list); err != nil {
		return nil, false, err
	}
	byBot = make(map[int64]int)
	for _, o := range list {
		byBot[o.Fanout.BotID] += o.Counts.Expired
	}
	return byBot, more, nil
}

// expired returns the first fanouts that have expired and that no bot works on, here or,
// where they are spare, elsewhere, and
// whether there are more.
func (d *DB) expired(ctx context.Context, expire time.Duration, inHand func(botID, id int64) bool) (ids []int64, more bool, err error) {
	free := ""
	if d.shares() {
		free = " AND (f.holder IS NULL OR " + unheld + ")"
	}
	rows, err := d.query(ctx, `SELECT f.id, f.bot_id FROM fanouts AS f JOIN reports AS r ON r.seq = f.report
		WHERE CASE f.kind WHEN 'retract' THEN f.created < ? ELSE r.time < ? END`+d.ours("r.city_id")+free+` ORDER BY f.id`, d.since(retractFor), d.since(expire))
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		if len(ids) == expireAtOnce {
			return ids, true, nil
		}
		var id, botID int64
		if err := rows.Scan(&id, &botID); err != nil {
			return nil, false, err
		}
		if !inHand(botID, id) {
			ids = append(ids, id)
		}
	}
	return ids, false, d.ended(rows)
}

// ExpiredCounts is what counts when the rest of a fanout expires.
func (f *Fanout) ExpiredCounts() Counts {
	if f.Retract {
		return Counts{}
	}
	return Counts{Expired: f.OpenCount()}
}

// Expires tells whether a fanout is too old to be sent.
func (f *Fanout) Expires(now time.Time, expire time.Duration) bool {
	if f.Retract {
		return now.Sub(f.Created) > retractFor
	}
	return now.Sub(f.Report.Time) > expire
}
