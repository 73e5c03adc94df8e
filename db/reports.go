package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/report"
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
	Normalized string
	Visibility string
	Time       int64
	Received   int64
	Passed     bool
	Reason     string
	Detail     string
	FannedOut  bool
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

func toReportRow(r report.Report, v report.Verdict, normalized string) reportRow {
	return reportRow{ID: r.ID, CityID: r.CityID, BotID: r.BotID, Network: r.Network, NetworkID: r.NetworkID,
		Author: r.Author, Text: r.Text, Normalized: normalized, Visibility: string(r.Visibility),
		Time: millis(r.Time), Received: millis(r.Received),
		Passed: v.Passed, Reason: string(v.Reason), Detail: v.Detail}
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
// that is on disk when AfterSync says so, unless they are stored already, and returns for each the verdict that holds:
// of an author who is muted, says the same again or floods, a passed report is
// refused after all. normalize makes the text that counts as "the same".
func (d *DB) SaveReports(ctx context.Context, judged []Judged, normalize func(string) string, brake Brake) ([]Saved, error) {
	normalized := make([]string, len(judged))
	for i, j := range judged {
		normalized[i] = normalize(j.Report.Text)
	}
	var saved []Saved
	err := d.writeSoon(ctx, func(tx *gorm.DB) error {
		var err error
		saved, err = saveReports(tx, judged, normalized, brake)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("save reports: %w", err)
	}
	return saved, nil
}

func saveReports(tx *gorm.DB, judged []Judged, normalized []string, brake Brake) ([]Saved, error) {
	known, err := storedReports(tx, judged)
	if err != nil {
		return nil, err
	}
	saved := make([]Saved, len(judged))
	var rows []reportRow
	for i, j := range judged {
		if s, ok := known[j.Report.ID]; ok {
			saved[i] = s
			continue
		}
		verdict := j.Verdict
		if verdict.Passed && j.Report.Author != "" {
			// The brake looks at what is stored, so that must be all.
			if rows, err = nil, insertReports(tx, rows); err != nil {
				return nil, err
			}
			if err := applyBrake(tx, j.Report, normalized[i], brake, &verdict); err != nil {
				return nil, err
			}
		}
		rows = append(rows, toReportRow(j.Report, verdict, normalized[i]))
		saved[i] = Saved{Verdict: verdict}
		known[j.Report.ID] = saved[i]
	}
	return saved, insertReports(tx, rows)
}

// storedReports returns what is stored already, by id.
func storedReports(tx *gorm.DB, judged []Judged) (map[string]Saved, error) {
	ids := make([]string, len(judged))
	for i, j := range judged {
		ids[i] = j.Report.ID
	}
	var rows []reportRow
	if err := tx.Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, err
	}
	known := make(map[string]Saved, len(rows))
	for _, r := range rows {
		known[r.ID] = Saved{Verdict: r.judged().Verdict, FannedOut: r.FannedOut}
	}
	return known, nil
}

func insertReports(tx *gorm.DB, rows []reportRow) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.Create(&rows).Error
}

// applyBrake looks at what the author said before. It runs in the transaction
// that stores the report, so that two at once cannot both be the first.
func applyBrake(tx *gorm.DB, r report.Report, normalized string, brake Brake, v *report.Verdict) error {
	var muted, same, all int64
	if err := tx.Raw("SELECT count(*) FROM mutes WHERE city_id = ? AND author = ?", r.CityID, r.Author).Scan(&muted).Error; err != nil {
		return err
	}
	from, to := millis(r.Time.Add(-brake.Window)), millis(r.Time.Add(brake.Window))
	err := tx.Raw(`SELECT count(*), coalesce(sum(normalized = ?), 0) FROM reports
		WHERE city_id = ? AND author = ? AND time > ? AND time < ? AND passed = 1`,
		normalized, r.CityID, r.Author, from, to).Row().Scan(&all, &same)
	if err != nil {
		return err
	}
	switch {
	case muted > 0:
		*v = report.Verdict{Reason: report.ReasonMuted}
	case same > 0:
		*v = report.Verdict{Reason: report.ReasonRepeated}
	case all >= int64(brake.Flood):
		*v = report.Verdict{Reason: report.ReasonFlood}
	}
	return nil
}

// SetFannedOut says that every delivery of those reports is in the queue. It is
// on disk when AfterSync says so.
func (d *DB) SetFannedOut(ctx context.Context, reportIDs []string) error {
	err := d.writeSoon(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE reports SET fanned_out = 1 WHERE id IN ?", reportIDs).Error
	})
	if err != nil {
		return fmt.Errorf("save reports: %w", err)
	}
	return nil
}

// Report returns a report of the city, or ErrNotFound.
func (d *DB) Report(ctx context.Context, cityID int64, id string) (Judged, error) {
	var row reportRow
	if err := d.Read(ctx).Where("id = ? AND city_id = ?", id, cityID).Take(&row).Error; err != nil {
		return Judged{}, fmt.Errorf("report: %w", notFound(err))
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
