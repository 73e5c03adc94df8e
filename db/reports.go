package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Judged is a report with what the censor said of it.
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

// Brake bounds what one author may say: the same text once, and Flood reports,
// within Window.
type Brake struct {
	Window time.Duration
	Flood  int
}

// Saved is what holds of a report after SaveReports.
type Saved struct {
	Verdict report.Verdict
	// FannedOut tells that SetFannedOut was called for it.
	FannedOut bool
}

// SaveReports stores reports with the censor's verdicts, in one transaction
// that is on disk when AfterSync says so, unless they are stored already, and
// returns for each the verdict that holds: of an author who is muted, says the
// same again or floods, a passed report is refused after all. normalize makes
// the text that counts as "the same".
func (d *DB) SaveReports(ctx context.Context, judged []Judged, normalize func(string) string, brake Brake) ([]Saved, error) {
	normalized := make([]string, len(judged))
	for i, j := range judged {
		if j.Verdict.Passed { // what is refused is not compared
			normalized[i] = normalize(j.Report.Text)
		}
	}
	saved := make([]Saved, len(judged))
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		for i, j := range judged {
			var err error
			if saved[i], err = saveReport(tx, j, normalized[i], brake); err != nil {
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

func saveReport(tx *gorm.DB, j Judged, normalized string, brake Brake) (Saved, error) {
	r, v := j.Report, j.Verdict
	if v.Passed && r.Author != "" {
		if err := applyBrake(tx, r, normalized, brake, &v); err != nil {
			return Saved{}, err
		}
	}
	result, err := Exec(tx, `INSERT INTO reports (id, city_id, bot_id, network, network_id, author, text, normalized,
			visibility, time, received, passed, reason, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		r.ID, r.CityID, r.BotID, r.Network, r.NetworkID, r.Author, r.Text, normalized,
		string(r.Visibility), millis(r.Time), millis(r.Received), v.Passed, string(v.Reason), v.Detail)
	if err != nil {
		return Saved{}, err
	}
	if inserted, err := result.RowsAffected(); err != nil || inserted > 0 {
		return Saved{Verdict: v}, err
	}
	// It is stored already: what was said then holds.
	return storedReport(tx, r.ID)
}

func storedReport(tx *gorm.DB, id string) (Saved, error) {
	var s Saved
	err := queryRow(tx, "SELECT passed, reason, detail, fanned_out FROM reports WHERE id = ?", id).
		Scan(&s.Verdict.Passed, &s.Verdict.Reason, &s.Verdict.Detail, &s.FannedOut)
	return s, err
}

// applyBrake looks at what the author said before. It runs in the transaction
// that stores the report, so that two at once cannot both be the first.
func applyBrake(tx *gorm.DB, r report.Report, normalized string, brake Brake, v *report.Verdict) error {
	from, to := millis(r.Time.Add(-brake.Window)), millis(r.Time.Add(brake.Window))
	var muted bool
	var same, all int
	err := queryRow(tx, `SELECT EXISTS (SELECT 1 FROM mutes WHERE city_id = ?1 AND author = ?2),
			count(*), coalesce(sum(normalized = ?3), 0) FROM reports
		WHERE city_id = ?1 AND author = ?2 AND passed = 1 AND time > ?4 AND time < ?5`,
		r.CityID, r.Author, normalized, from, to).Scan(&muted, &all, &same)
	if err != nil {
		return err
	}
	switch {
	case muted:
		*v = report.Verdict{Reason: report.ReasonMuted}
	case same > 0:
		*v = report.Verdict{Reason: report.ReasonRepeated}
	case all >= brake.Flood:
		*v = report.Verdict{Reason: report.ReasonFlood}
	}
	return nil
}

// SetFannedOut says that every delivery of those reports is in the queue. It is
// on disk when AfterSync says so.
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

// Reports returns a city's passed or refused reports written since ago before
// now, newest first; at most limit.
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
// shown. The error is ErrNotFound where there is no such passed report.
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

// Mute refuses what the author of a report says from now on in that city.
func (d *DB) Mute(ctx context.Context, cityID int64, author string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT OR IGNORE INTO mutes (city_id, author, created) VALUES (?, ?, ?)", cityID, author, millis(d.now())).Error
	})
	if err != nil {
		return fmt.Errorf("mute author: %w", err)
	}
	return nil
}

// Unmute ends a mute. One that is not there is no error.
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

// DeleteExpired deletes the reports and deliveries older than keep, sign-ups
// that were never confirmed and invitations never accepted, and sessions that
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
