package db

import (
	"context"
	"errors"
	"fmt"
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
	return mapRows(rows, reportRow.judged), nil
}

// AnyReport returns a report of the city, also one that was not judged yet: then judged is
// false. The error is ErrNotFound where there is none.
func (d *DB) AnyReport(ctx context.Context, cityID int64, id string) (j Judged, judged bool, err error) {
	row, err := Take[reportRow](d.Read(ctx).Where("id = ? AND city_id = ?", id, cityID))
	if err != nil {
		return Judged{}, false, fmt.Errorf("report: %w", err)
	}
	return row.judged(), row.State != "heard", nil
}
