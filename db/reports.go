package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Judged is a report with its verdict.
type Judged struct {
	Report  report.Report
	Verdict report.Verdict
}

type reportRow struct {
	ID         string `gorm:"primaryKey"`
	CityID     int64
	BotID      int64
	Network    string
	NetworkID  string
	Author     string
	Text       string
	Visibility string
	Time       int64
	Received   int64
	Passed     bool
	Reason     string
	Detail     string
}

func (reportRow) TableName() string { return "reports" }

func (r reportRow) judged() Judged {
	return Judged{
		Report: report.Report{ID: r.ID, CityID: r.CityID, BotID: r.BotID, Network: r.Network, NetworkID: r.NetworkID,
			Author: r.Author, Text: r.Text, Visibility: report.Visibility(r.Visibility),
			Time: fromMillis(r.Time), Received: fromMillis(r.Received)},
		Verdict: report.Verdict{Passed: r.Passed, Reason: report.Reason(r.Reason), Detail: r.Detail},
	}
}

// Brake decides about a report that the rules let pass, by what its author has
// said before. It is asked within the transaction that stores the report, maybe
// twice, and must not use the database.
type Brake interface {
	// Window is how long before and after a report its author's other reports
	// count.
	Window() time.Duration
	// Sameness returns the form in which a text is compared. Two reports for
	// which it is equal say the same.
	Sameness(text string) string
	// Judge returns the final verdict, given that of the rules.
	Judge(passed report.Verdict, said History) report.Verdict
}

// History is what the author of a report has said in its city.
type History struct {
	Muted bool
	// Reports that passed within the window of a Brake: those that say the
	// same, and all of them.
	Same, All int
}

// Saved is what is stored of a report after SaveReports.
type Saved struct {
	Verdict report.Verdict
	// FannedOut says that SetFannedOut was called for it.
	FannedOut bool
}

// SaveReports stores reports with the verdicts of the rules, in one
// transaction. AfterSync says when it is on disk. It returns what is then
// stored of each report. A report that was stored before keeps its verdict. A
// new one that passed the rules and has an author gets the verdict of the
// brake.
func (d *DB) SaveReports(ctx context.Context, judged []Judged, brake Brake) ([]Saved, error) {
	sameness := make([]string, len(judged))
	for i, j := range judged {
		if j.Verdict.Passed { // what is held is not compared
			sameness[i] = brake.Sameness(j.Report.Text)
		}
	}
	saved := make([]Saved, len(judged))
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		for i, j := range judged {
			var err error
			if saved[i], err = saveReport(tx, j, sameness[i], brake); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("save reports: %w", err)
	}
	return saved, nil
}

func saveReport(tx *gorm.DB, j Judged, sameness string, brake Brake) (Saved, error) {
	r, v := j.Report, j.Verdict
	if v.Passed && r.Author != "" {
		said, err := history(tx, r, sameness, brake.Window())
		if err != nil {
			return Saved{}, err
		}
		v = brake.Judge(v, said)
	}
	result, err := Exec(tx, `INSERT INTO reports (id, city_id, bot_id, network, network_id, author, text, normalized,
			visibility, time, received, passed, reason, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		r.ID, r.CityID, r.BotID, r.Network, r.NetworkID, r.Author, r.Text, sameness,
		string(r.Visibility), millis(r.Time), millis(r.Received), v.Passed, string(v.Reason), v.Detail)
	if err != nil {
		return Saved{}, err
	}
	if inserted, err := result.RowsAffected(); err != nil || inserted > 0 {
		return Saved{Verdict: v}, err
	}
	// It is already stored, and its first verdict stands.
	return storedReport(tx, r.ID)
}

func storedReport(tx *gorm.DB, id string) (Saved, error) {
	var s Saved
	err := queryRow(tx, "SELECT passed, reason, detail, fanned_out FROM reports WHERE id = ?", id).
		Scan(&s.Verdict.Passed, &s.Verdict.Reason, &s.Verdict.Detail, &s.FannedOut)
	return s, err
}

// history looks up what the author of r has said. It runs in the transaction
// that stores r, so that two reports at once cannot both be the first.
func history(tx *gorm.DB, r report.Report, sameness string, window time.Duration) (History, error) {
	from, to := millis(r.Time.Add(-window)), millis(r.Time.Add(window))
	var h History
	err := queryRow(tx, `SELECT EXISTS (SELECT 1 FROM mutes WHERE city_id = ?1 AND author = ?2),
			count(*), coalesce(sum(normalized = ?3), 0) FROM reports
		WHERE city_id = ?1 AND author = ?2 AND passed = 1 AND time > ?4 AND time < ?5`,
		r.CityID, r.Author, sameness, from, to).Scan(&h.Muted, &h.All, &h.Same)
	return h, err
}

// SetFannedOut notes that every delivery of those reports is in the queue.
// AfterSync says when the note is on disk.
func (d *DB) SetFannedOut(ctx context.Context, reportIDs []string) error {
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		for _, id := range reportIDs {
			if _, err := Exec(tx, "UPDATE reports SET fanned_out = 1 WHERE id = ?", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save reports: %w", err)
	}
	return nil
}

// Report returns a report of the city, or ErrNotFound.
func (d *DB) Report(ctx context.Context, cityID int64, id string) (Judged, error) {
	row, err := Take[reportRow](d.Read(ctx).Where("id = ? AND city_id = ?", id, cityID))
	if err != nil {
		return Judged{}, fmt.Errorf("report: %w", err)
	}
	return row.judged(), nil
}

// Reports returns a city's passed or held reports that are not older than ago,
// newest first, at most limit of them.
func (d *DB) Reports(ctx context.Context, cityID int64, passed bool, ago time.Duration, limit int) ([]Judged, error) {
	var rows []reportRow
	err := d.Read(ctx).Where("city_id = ? AND passed = ? AND time > ?", cityID, passed, d.since(ago)).
		Order("time DESC, id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	return mapRows(rows, reportRow.judged), nil
}

// TakeBack marks a passed report of the city as taken back: it is no longer
// shown. The error is ErrNotFound if there is no such passed report.
func (d *DB) TakeBack(ctx context.Context, cityID int64, id string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return oneRow(tx.Model(&reportRow{}).Where("id = ? AND city_id = ? AND passed = 1", id, cityID).
			Updates(map[string]any{"passed": false, "reason": string(report.ReasonTakenBack)}))
	})
	if err != nil {
		return fmt.Errorf("take back report: %w", err)
	}
	return nil
}

// Mute makes the city hold what the author of a report says from now on.
func (d *DB) Mute(ctx context.Context, cityID int64, author string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT OR IGNORE INTO mutes (city_id, author, created) VALUES (?, ?, ?)", cityID, author, millis(d.now())).Error
	})
	if err != nil {
		return fmt.Errorf("mute author: %w", err)
	}
	return nil
}

// Unmute ends a mute. It does nothing if there is none.
func (d *DB) Unmute(ctx context.Context, cityID int64, author string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM mutes WHERE city_id = ? AND author = ?", cityID, author).Error
	})
	if err != nil {
		return fmt.Errorf("unmute author: %w", err)
	}
	return nil
}

// Mutes returns the hashes of a city's muted authors.
func (d *DB) Mutes(ctx context.Context, cityID int64) (map[string]bool, error) {
	var authors []string
	if err := d.Read(ctx).Raw("SELECT author FROM mutes WHERE city_id = ?", cityID).Scan(&authors).Error; err != nil {
		return nil, fmt.Errorf("list mutes: %w", err)
	}
	muted := make(map[string]bool, len(authors))
	for _, a := range authors {
		muted[a] = true
	}
	return muted, nil
}

// DeleteExpired deletes reports and deliveries older than keep, sign-ups that
// were never confirmed, invitations that were never accepted, and sessions that
// have ended.
func (d *DB) DeleteExpired(ctx context.Context, keep time.Duration) error {
	steps := []struct {
		sql    string
		before int64
	}{
		{"DELETE FROM reports WHERE received < ?", d.since(keep)},
		{"DELETE FROM deliveries WHERE at < ?", d.since(keep)},
		{"DELETE FROM registrations WHERE created < ?", d.since(7 * 24 * time.Hour)},
		{"DELETE FROM invitations WHERE created < ?", d.since(30 * 24 * time.Hour)},
		{"DELETE FROM sessions WHERE expires < ?", millis(d.now())},
	}
	var errs []error
	for _, s := range steps {
		errs = append(errs, d.Write(ctx, func(tx *gorm.DB) error { return tx.Exec(s.sql, s.before).Error }))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("delete what has expired: %w", err)
	}
	return nil
}
