package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

const (
	// oldSpan is the time over which old reports are spread, less than
	// reports.keep is by default.
	oldSpan = 6 * 24 * time.Hour
	// oldEnds is how long ago the newest of them was.
	oldEnds = time.Hour
	// oldAuthors wrote the old reports.
	oldAuthors = 50_000
	// oldText is how many bytes a text has, at most.
	oldText = 300
	// oldBatch is how many old reports share a transaction.
	oldBatch = 100_000
	// oldTimeout bounds how long writing them may take.
	oldTimeout = 20 * time.Minute
)

// oldReports are reports of the days before that a database holds at the start.
type oldReports struct {
	count int
	soon  int     // of them, those that are the oldest and lie close together
	rate  float64 // of those, a second: as fast as they expire one after the other
}

// time is when old report i was, given what time it is. They are in order.
func (o oldReports) time(i int, now time.Time) time.Time {
	oldest := now.Add(-oldSpan)
	if i < o.soon {
		return oldest.Add(-time.Duration(float64(o.soon-i) / o.rate * float64(time.Second)))
	}
	return oldest.Add(time.Duration(float64(oldSpan-oldEnds) * float64(i-o.soon) / float64(o.count-o.soon)))
}

// writeOld writes old reports into the database of a program that does not run.
// They are those of a store that has grown: their ids and authors are in no
// order, and half of them passed.
func (w *world) writeOld(ctx context.Context, o oldReports) (err error) {
	if o.count <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, oldTimeout)
	defer cancel()
	path := filepath.Join(w.program.data, db.FileName)
	d, err := openForOld(ctx, path)
	if err != nil {
		return fmt.Errorf("write old reports: %w", err)
	}
	err = o.write(ctx, d)
	if err == nil {
		_, err = d.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	}
	if err = errors.Join(err, d.Close()); err == nil {
		err = syncFile(path)
	}
	if err != nil {
		return fmt.Errorf("write old reports: %w", err)
	}
	return nil
}

// openForOld opens the database in the fastest way there is: without a journal,
// without waiting for the disk, with room in memory for all it writes.
func openForOld(ctx context.Context, path string) (*sql.DB, error) {
	d, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		return nil, err
	}
	d.SetMaxOpenConns(1) // the pragmas are of one connection
	for _, s := range []string{"PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -2000000"} {
		if _, err := d.ExecContext(ctx, s); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// syncFile brings a file to disk: what was written without waiting for it must
// not be written while something is measured.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// write writes all of them, evenly over the bots that are there.
func (o oldReports) write(ctx context.Context, d *sql.DB) error {
	statement, err := oldStatement(ctx, d)
	if err != nil {
		return err
	}
	bots, err := allBots(ctx, d)
	if err != nil {
		return err
	}
	texts, now := newOldTexts(), time.Now()
	for first := 0; first < o.count; first += oldBatch {
		err := inTransaction(ctx, d, statement, func(insert *sql.Stmt) error {
			for i := first; i < min(first+oldBatch, o.count); i++ {
				if _, err := insert.ExecContext(ctx, texts.row(i, bots[i%len(bots)], o.time(i, now))...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// inTransaction prepares a statement in a transaction, which it commits if work
// succeeds.
func inTransaction(ctx context.Context, d *sql.DB, statement string, work func(*sql.Stmt) error) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := withPrepared(ctx, tx, statement, work); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func withPrepared(ctx context.Context, tx *sql.Tx, statement string, work func(*sql.Stmt) error) error {
	prepared, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer prepared.Close()
	return work(prepared)
}

// oldColumns are those of reports that both schemas have, in the order of row.
const (
	oldColumns = "id, city_id, bot_id, network, network_id, author, text, normalized, visibility, time, received, passed, reason, detail"
	oldValues  = "?, ?, ?, ?, ?, ?, ?, ?, 'private', ?, ?, ?, ?, ?"
)

// oldStatement inserts an old report that has gone all its way. Where a report
// is stored only when it is judged, the table has the column fanned_out; where it
// is stored as soon as it is heard, the column state.
func oldStatement(ctx context.Context, d *sql.DB) (string, error) {
	for column, value := range map[string]string{"state": "'judged'", "fanned_out": "1"} {
		var n int
		err := d.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_info('reports') WHERE name = ?", column).Scan(&n)
		if err != nil {
			return "", err
		}
		if n > 0 {
			return "INSERT INTO reports (" + oldColumns + ", " + column + ") VALUES (" + oldValues + ", " + value + ")", nil
		}
	}
	return "", errors.New("the table of reports has changed: the benchmark must follow")
}

// botRow is a bot as its table has it.
type botRow struct {
	id, city int64
	network  string
}

func allBots(ctx context.Context, d *sql.DB) ([]botRow, error) {
	rows, err := d.QueryContext(ctx, "SELECT id, city_id, network FROM bots ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var bots []botRow
	for rows.Next() {
		var b botRow
		if err := rows.Scan(&b.id, &b.city, &b.network); err != nil {
			return nil, err
		}
		bots = append(bots, b)
	}
	if len(bots) == 0 {
		return nil, errors.Join(rows.Err(), errors.New("there are no bots"))
	}
	return bots, rows.Err()
}

// oldTexts are what old reports say, as written and as the brake compares them.
type oldTexts struct{ written, normalized []string }

// digest has the form of what reports and authors are known by.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func newOldTexts() oldTexts {
	var t oldTexts
	for _, text := range ordinaryTexts(oldText) {
		text = strings.ToValidUTF8(text[:oldText], "") // no half of a letter
		t.written, t.normalized = append(t.written, text), append(t.normalized, censor.Normalize(text))
	}
	return t
}

// row is old report i, in the order of oldColumns.
func (t oldTexts) row(i int, b botRow, at time.Time) []any {
	n, ms := i%len(t.written), at.UnixMilli()
	networkID := "old" + strconv.Itoa(i)
	normalized, passed, reason := t.normalized[n], i%2 == 0, report.ReasonTrigger
	if !passed { // what is held is not compared
		normalized, reason = "", report.ReasonNoTrigger
	}
	author := digest("author", strconv.Itoa(rand.IntN(oldAuthors)))
	return []any{digest(b.network, strconv.FormatInt(b.id, 10), networkID), b.city, b.id, b.network, networkID, author, t.written[n], normalized,
		ms, ms, passed, string(reason), ""}
}
