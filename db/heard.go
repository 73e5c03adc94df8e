package db

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Heard is a report that was stored and waits to be judged.
type Heard struct {
	Seq    int64 // its place in the order in which reports were stored
	Report *report.Report
	// TaskRefusal is why one of its city's tasks refuses it; empty: none does. It is not
	// stored with it.
	TaskRefusal string
	// TaskAnswer is what the tasks say to whoever wrote it; empty: nothing. On a server it is
	// stored for some minutes: see DB.TaskAnswer.
	TaskAnswer string
}

// Hear stores a report. When it returns nil, the report is on disk, also where it
// was stored before: the same id twice is one report. A city that is gone is
// ErrNotFound, one that takes none, as it is paused or off, ErrPaused. The text is valid UTF-8 without NUL.
func (d *DB) Hear(ctx context.Context, r report.Report) error {
	h := &hearing{report: d.words.heard(&r)}
	err := d.do(ctx, &job{
		key:     r.CityID,
		hearing: h, // a server's writer stores those of a group together
		fn: func(tx *gorm.DB) (err error) {
			h.seq, h.known, err = d.hear(tx, &r)
			return err
		},
		after: func() {
			if h.seq != 0 {
				d.unjudged.Add(1)
				d.tell(Heard{Seq: h.seq, Report: &r})
			}
		},
	})
	if err == nil {
		err = h.err
	}
	if err == nil && h.seq == 0 && !h.known {
		err = d.whyNotHeard(ctx, r.CityID)
	}
	if err != nil {
		return fmt.Errorf("store report: %w", err)
	}
	return nil
}

// whyNotHeard is the error of a report that its city did not take.
func (d *DB) whyNotHeard(ctx context.Context, cityID int64) error {
	_, err := d.BriefCity(ctx, cityID)
	if err == nil {
		err = ErrPaused
	}
	return err
}

// hear stores a report and returns its place: 0 where it is known already, or its
// city is gone, paused or off. Neither is an error here, since others share the transaction.
func (d *DB) hear(tx *gorm.DB, r *report.Report) (seq int64, known bool, err error) {
	if seq, err = d.seqs.next(tx); err != nil {
		return 0, false, err
	}
	result, err := Exec(tx, `INSERT INTO reports (seq, id, city_id, bot_id, network, network_id, author, left_out, unverified, client, domain,
			text, visibility, time, received, reason, state)
		SELECT ?, ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'heard' FROM cities WHERE id = ? AND paused = 0 AND suspended = 0 AND deleted = 0 AND waiting = FALSE ON CONFLICT (id) DO NOTHING`,
		seq, r.ID, r.BotID, r.Network, r.NetworkID, r.Author, r.LeftOut, r.Unverified, r.Client, r.Domain,
		r.Text, string(r.Visibility), millis(r.Time), millis(r.Received), heardReason(r), r.CityID)
	if err != nil {
		return 0, false, err
	}
	if added, err := result.RowsAffected(); err != nil || added == 0 {
		if err == nil {
			err = queryRow(tx, "SELECT EXISTS (SELECT 1 FROM reports WHERE id = ?)", r.ID).Scan(&known)
		}
		return 0, known, err
	}
	return seq, true, nil
}

// heardReason is the reason that is known before a report is judged: it is a question.
func heardReason(r *report.Report) string {
	if r.Question {
		return string(report.ReasonQuestion)
	}
	return ""
}

// FollowHeard has f called with every report that Hear stores from now on, in the
// order in which they were stored, when it is committed. f is called by the
// goroutine that writes, must not block, and must not use the database. There is
// one follower at a time.
func (d *DB) FollowHeard(f func(Heard)) { d.follower.Store(&f) }

func (d *DB) tell(h Heard) {
	if f := d.follower.Load(); f != nil {
		(*f)(h)
	}
}

// Backlog is how many reports wait to be judged.
func (d *DB) Backlog() int { return int(max(0, d.unjudged.Load())) }

// CountBacklog counts the reports that wait to be judged, for Backlog: at the
// start, and now and then where reports go without being judged. With a file the writer
// does it, so that it misses none that come or are judged meanwhile. On a server there are
// several, and other processes, and until the next count it may be a few too many or too few.
func (d *DB) CountBacklog(ctx context.Context) error {
	var n int64
	err := d.do(ctx, &job{
		soon: true,
		fn: func(tx *gorm.DB) error {
			return queryRow(tx, "SELECT count(*) FROM reports WHERE state = 'heard'").Scan(&n)
		},
		after: func() { d.unjudged.Store(n) },
	})
	if err != nil {
		return fmt.Errorf("count reports that wait: %w", err)
	}
	return nil
}

// Unjudged returns the first reports after seq that wait to be judged, at most
// limit, of our cities whose id divided by lanes leaves lane.
func (d *DB) Unjudged(ctx context.Context, lane, lanes, after int64, limit int) ([]Heard, error) {
	rows, err := d.query(ctx, "SELECT "+reportColumns+` FROM reports AS r
		WHERE r.state = 'heard' AND r.seq > ? AND r.city_id % ? = ?`+d.ours("r.city_id")+` ORDER BY r.seq LIMIT ?`, after, lanes, lane, limit)
	if err != nil {
		return nil, fmt.Errorf("list reports that wait: %w", err)
	}
	return d.heard(rows)
}

// UnjudgedOf returns the first reports of a city after seq that wait to be judged, at most
// limit.
func (d *DB) UnjudgedOf(ctx context.Context, cityID, after int64, limit int) ([]Heard, error) {
	rows, err := d.query(ctx, "SELECT "+reportColumns+` FROM reports AS r
		WHERE r.state = 'heard' AND r.seq > ? AND r.city_id = ? ORDER BY r.seq LIMIT ?`, after, cityID, limit)
	if err != nil {
		return nil, fmt.Errorf("list reports that wait: %w", err)
	}
	return d.heard(rows)
}

// heard reads rows of reportColumns, and closes them.
func (d *DB) heard(rows *sql.Rows) ([]Heard, error) {
	defer rows.Close()
	var list []Heard
	for rows.Next() {
		h := Heard{Report: new(report.Report)}
		if err := d.scanReport(rows, &h.Seq, h.Report); err != nil {
			return nil, fmt.Errorf("list reports that wait: %w", err)
		}
		list = append(list, h)
	}
	return list, d.ended(rows)
}

// reportColumns are the columns of table r that scanReport reads.
const reportColumns = "r.seq, r.id, r.city_id, r.bot_id, r.network, r.network_id, r.author, r.left_out, r.unverified, r.client, r.domain, " +
	"r.text, r.visibility, r.time, r.received, r.reason, r.reading, r.results"

type scanner interface{ Scan(dest ...any) error }

// scanReport reads reportColumns, and the columns that follow them into more.
func (d *DB) scanReport(row scanner, seq *int64, r *report.Report, more ...any) error {
	var at, received int64
	var reason, reading string
	err := row.Scan(append([]any{seq, &r.ID, &r.CityID, &r.BotID, &r.Network, &r.NetworkID, &r.Author, &r.LeftOut,
		&r.Unverified, &r.Client, &r.Domain, &r.Text, &r.Visibility, &at, &received, &reason, &reading, &r.Results}, more...)...)
	r.Question = reason == string(report.ReasonQuestion)
	r.Time, r.Received = fromMillis(at), fromMillis(received)
	r.Text, r.Results = d.words.open(inText, r.ID, r.Text), d.words.open(inResults, r.ID, r.Results)
	r.Reading = readingOf(d.words.open(inReading, r.ID, reading))
	return err
}
