package db

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ticketfrei/internal/report"
)

// PassedAfter returns the reports of a city that were stored after the one with that id and
// have passed, the oldest first, at most limit of them; none where there is none of that id.
func (d *DB) PassedAfter(ctx context.Context, cityID int64, id string, limit int) ([]Judged, error) {
	var seq int64
	err := d.ReadRow(ctx, "SELECT seq FROM reports WHERE id = ? AND city_id = ?", id, cityID).Scan(&seq)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reports after one: %w", err)
	}
	var rows []reportRow
	// The index of a city's reports is asked: what is newer in all cities may be much.
	err = d.Read(ctx).Where("state = 'judged' AND city_id = ? AND passed = TRUE AND +seq > ?", cityID, seq).Order("seq").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reports after one: %w", err)
	}
	return mapRows(rows, d.judgedOf), nil
}

// AnyReport returns a report of the city, also one that was not judged yet: then judged is
// false. The error is ErrNotFound where there is none.
func (d *DB) AnyReport(ctx context.Context, cityID int64, id string) (j Judged, judged bool, err error) {
	row, err := Take[reportRow](d.Read(ctx).Where("id = ? AND city_id = ?", id, cityID))
	if err != nil {
		return Judged{}, false, fmt.Errorf("report: %w", err)
	}
	return d.judgedOf(row), row.State != "heard", nil
}

// JudgedOf returns those of the reports with these ids that were judged, or are held.
func (d *DB) JudgedOf(ctx context.Context, ids []string) ([]Judged, error) {
	var rows []reportRow
	if err := d.Read(ctx).Where("id IN ? AND state <> 'heard'", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reports that were judged: %w", err)
	}
	return mapRows(rows, d.judgedOf), nil
}

// Gone returns those of the reports with these seqs that were taken back, or are not there
// any more.
func (d *DB) Gone(ctx context.Context, seqs []int64) ([]int64, error) {
	var there []int64
	err := d.Read(ctx).Model(&reportRow{}).Where("seq IN ? AND reason <> ?", seqs, string(report.ReasonTakenBack)).Pluck("seq", &there).Error
	if err != nil {
		return nil, fmt.Errorf("reports that are gone: %w", err)
	}
	gone := slices.Clone(seqs)
	return slices.DeleteFunc(gone, func(seq int64) bool { return slices.Contains(there, seq) }), nil
}
