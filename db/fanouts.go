package db

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// FanoutSize is how many recipients a fanout has, at most.
const FanoutSize = 64

// Fanout is one report on its way through one bot to up to FanoutSize recipients,
// while some of them are open: one row of the queue.
type Fanout struct {
	ID         int64
	Seq        int64 // of its report
	BotID      int64
	Retract    bool    // the report is to be taken back
	Recipients []int64 // one 0 where the bot posts publicly; the ids of receipts where Retract is set
	Open       uint64  // bit i: Recipients[i] is open
	Attempts   int     // how often some of them could not be sent to
	Due        time.Time
	Created    time.Time
	Report     *report.Report
	Spare      bool   // any process may send it that holds it: see TakeFanouts
	Holder     string // who does, where it is spare; empty: nobody
}

// OpenCount is how many recipients are open.
func (f *Fanout) OpenCount() int { return bits.OnesCount64(f.Open) }

const (
	kindSend    = "send"
	kindRetract = "retract"
)

// farthest is how far ahead a fanout or a mail may be due: longer than any wait.
// What is due later than that was written when the clock was wrong, and counts as
// due now.
const farthest = 2 * time.Hour

// newFanouts returns the fanouts of a report to recipients, all of them open.
func newFanouts(h Heard, botID int64, retract bool, recipients []int64, now time.Time) []Fanout {
	list := make([]Fanout, 0, countFanouts(recipients))
	for len(recipients) > 0 {
		n := min(len(recipients), FanoutSize)
		list = append(list, Fanout{Seq: h.Seq, BotID: botID, Retract: retract, Recipients: recipients[:n:n],
			Open: ^uint64(0) >> (FanoutSize - n), Created: now, Report: h.Report})
		recipients = recipients[n:]
	}
	return list
}

// countFanouts is how many fanouts newFanouts makes.
func countFanouts(recipients []int64) int { return (len(recipients) + FanoutSize - 1) / FanoutSize }

// insertFanout stores a fanout and sets its id.
func (d *DB) insertFanout(tx *gorm.DB, f *Fanout) (err error) {
	kind := kindSend
	if f.Retract {
		kind = kindRetract
	}
	if f.ID, err = d.fanoutIDs.next(tx); err != nil {
		return err
	}
	const columns, values = "INSERT INTO fanouts (id, report, bot_id, kind, recipients, open, attempts, due, created", "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?"
	statement := columns + ") " + values + ")"
	if f.Spare {
		statement = columns + ", holder) " + values + ", '')"
	}
	return Later(tx, statement,
		f.ID, f.Seq, f.BotID, kind, packIDs(f.Recipients), int64(f.Open), f.Attempts, millis(f.Due), millis(f.Created))
}

// packIDs returns the form in which ids are stored: each as its difference to the one
// before.
func packIDs(ids []int64) []byte {
	packed := make([]byte, 0, 2*len(ids))
	last := int64(0)
	for _, id := range ids {
		packed = binary.AppendVarint(packed, id-last)
		last = id
	}
	return packed
}

func unpackIDs(packed []byte) ([]int64, error) {
	var ids []int64
	last := int64(0)
	for len(packed) > 0 {
		step, n := binary.Varint(packed)
		if n <= 0 || len(ids) == FanoutSize {
			return nil, errors.New("the recipients of a fanout cannot be read")
		}
		last += step
		ids, packed = append(ids, last), packed[n:]
	}
	return ids, nil
}

// OpenFanouts returns the open fanouts of a bot that are due at now and not spare, at most
// limit of them: the first of each report, then the second of each, and so on, those that
// were tried less often first. known leaves out those that the caller has already;
// they count for the limit. more says that there may be others; if not, next is when
// the next is due, zero where there is none.
func (d *DB) OpenFanouts(ctx context.Context, botID int64, now time.Time, limit int, known func(id int64) bool) (list []Fanout, more bool, next time.Time, err error) {
	until, far := millis(now), millis(now.Add(farthest))
	ids, err := ReadColumn[int64](ctx, d, `SELECT id FROM
			(SELECT id, report, row_number() OVER (PARTITION BY report ORDER BY attempts, id) AS n FROM fanouts
			WHERE bot_id = ?1 AND (due <= ?2 OR due > ?3)`+d.notSpare()+`) AS open
		ORDER BY n, report, id LIMIT ?4`, botID, until, far, limit)
	if err == nil {
		list, err = d.loadFanouts(ctx, ids, known)
	}
	if more = len(ids) == limit; err == nil && !more {
		var ms int64
		err = d.ReadRow(ctx, "SELECT coalesce(min(due), 0) FROM fanouts WHERE bot_id = ? AND due > ? AND due <= ?"+d.notSpare(), botID, until, far).Scan(&ms)
		next = fromMillis(ms)
	}
	if err != nil {
		return nil, false, time.Time{}, fmt.Errorf("list what bot %d has to send: %w", botID, err)
	}
	return list, more, next, nil
}

// FanoutsToTry returns at most limit fanouts of a bot that are due at now and not spare: the first of
// the newest report before that one, and where there is none, of the newest of all.
// known leaves out those that the caller has already; they count for the limit.
func (d *DB) FanoutsToTry(ctx context.Context, botID int64, now time.Time, before int64, limit int, known func(id int64) bool) ([]Fanout, error) {
	ids, err := ReadColumn[int64](ctx, d, `SELECT id FROM fanouts WHERE bot_id = ?1 AND (due <= ?2 OR due > ?3)`+d.notSpare()+`
		ORDER BY report < ?4 DESC, report DESC, id LIMIT ?5`, botID, millis(now), millis(now.Add(farthest)), before, limit)
	if err != nil {
		return nil, fmt.Errorf("find what bot %d may try: %w", botID, err)
	}
	return d.loadFanouts(ctx, ids, known)
}

func (d *DB) loadFanouts(ctx context.Context, ids []int64, known func(id int64) bool) ([]Fanout, error) {
	var list []Fanout
	reports := make(map[int64]*report.Report)
	for _, id := range ids {
		if known(id) {
			continue
		}
		f, err := d.fanout(ctx, id)
		if errors.Is(err, ErrNotFound) {
			continue // it was taken back, or has ended
		}
		if err != nil {
			return nil, err
		}
		if r := reports[f.Seq]; r != nil {
			f.Report = r
		}
		reports[f.Seq] = f.Report
		list = append(list, f)
	}
	return list, nil
}

const fanoutColumns = "f.id, f.bot_id, f.kind, f.recipients, f.open, f.attempts, f.due, f.created"

const ofFanout = " FROM fanouts AS f JOIN reports AS r ON r.seq = f.report WHERE f.id = ?"

// fanout returns a fanout. Where its recipients cannot be read, none of them is
// open.
func (d *DB) fanout(ctx context.Context, id int64) (Fanout, error) {
	statement := "SELECT " + reportColumns + ", " + fanoutColumns + ", NULL" + ofFanout
	if d.OnServer() {
		statement = "SELECT " + reportColumns + ", " + fanoutColumns + ", f.holder" + ofFanout
	}
	row := d.ReadRow(ctx, statement, id)
	f := Fanout{Report: new(report.Report)}
	var kind string
	var packed []byte
	var open, due, created int64
	var heldBy sql.NullString
	err := d.scanReport(row, &f.Seq, f.Report, &f.ID, &f.BotID, &kind, &packed, &open, &f.Attempts, &due, &created, &heldBy)
	if err != nil {
		return Fanout{}, err
	}
	f.Retract, f.Open, f.Due, f.Created = kind == kindRetract, uint64(open), fromMillis(due), fromMillis(created)
	f.Spare, f.Holder = heldBy.Valid, heldBy.String
	f.Recipients, err = unpackIDs(packed)
	if err == nil && bits.Len64(f.Open) > len(f.Recipients) {
		err = errors.New("more recipients are open than there are")
	}
	if err != nil {
		d.log.Error("a report cannot be sent to some recipients: who they are cannot be read. They are left out", "report", f.Report.ID, "bot", f.BotID, "err", err)
		f.Open, f.Recipients = 0, nil
	}
	return f, nil
}

// MakeDue makes what bots have to send due at once.
func (d *DB) MakeDue(ctx context.Context, botIDs []int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		for _, id := range botIDs {
			if _, err := Exec(tx, "UPDATE fanouts SET due = 0 WHERE bot_id = ? AND due > 0", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make due what waits: %w", err)
	}
	return nil
}

// RetryNow makes due at once what a bot has tried to send and waits to try again.
func (d *DB) RetryNow(ctx context.Context, botID int64) error {
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, "UPDATE fanouts SET due = 0 WHERE bot_id = ? AND due > 0 AND attempts > 0", botID)
		return err
	})
	if err != nil {
		return fmt.Errorf("make due what bot %d has tried: %w", botID, err)
	}
	return nil
}

// BotsToSend returns the bots that have open fanouts.
func (d *DB) BotsToSend(ctx context.Context) ([]int64, error) {
	ids, err := ReadColumn[int64](ctx, d, "SELECT DISTINCT bot_id FROM fanouts")
	if err != nil {
		return nil, fmt.Errorf("list bots that have something to send: %w", err)
	}
	return ids, nil
}

// Waiting is how much of one kind waits.
type Waiting struct {
	Kind   string // "reports" to be judged, "deliveries" (fanouts of up to FanoutSize), account "mails"
	Count  int
	Oldest time.Time // when the oldest was stored; zero where there is none
}

// Waiting returns how much waits of each kind.
func (d *DB) Waiting(ctx context.Context) ([]Waiting, error) {
	var list []Waiting
	for _, q := range []struct{ kind, sql string }{
		{"reports", "SELECT count(*), coalesce(min(received), 0) FROM reports WHERE state = 'heard'"},
		{"deliveries", "SELECT count(*), coalesce(min(created), 0) FROM fanouts"},
		{"mails", "SELECT count(*), coalesce(min(created), 0) FROM mails"},
	} {
		w := Waiting{Kind: q.kind}
		var oldest int64
		if err := d.ReadRow(ctx, q.sql).Scan(&w.Count, &oldest); err != nil {
			return nil, fmt.Errorf("count what waits: %w", err)
		}
		w.Oldest = fromMillis(oldest)
		list = append(list, w)
	}
	return list, nil
}

// query asks for rows, like Read but faster: it is for what is asked often. ended
// returns their error.
func (d *DB) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := d.read.ConnPool.QueryContext(ctx, query, args...)
	d.damage.noticed(err)
	return rows, err
}

// ended returns the error that ended rows, nil where all were read.
func (d *DB) ended(rows *sql.Rows) error {
	err := rows.Err()
	d.damage.noticed(err)
	return err
}
