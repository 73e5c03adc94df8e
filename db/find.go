package db

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Search says which reports of a city are wanted.
type Search struct {
	Passed  bool          // those that passed
	Refused bool          // those that were refused or taken back
	Held    bool          // those that wait for a moderator
	Within  time.Duration // none of the others that are as old; 0: however old
	Since   time.Time     // none that were written then or before
	Line    string        // only those about this line of the city; empty: all. What was refused is kept without
	Limit   int
}

// FindReports returns reports of a city, newest first.
func (d *DB) FindReports(ctx context.Context, cityID int64, s Search) ([]Judged, error) {
	since := millis(s.Since)
	if s.Within > 0 {
		since = max(since, d.since(s.Within))
	}
	var list []Judged
	for _, part := range []struct {
		wanted bool
		where  string
		since  int64
	}{
		{s.Passed, "state = 'judged' AND passed = TRUE", since},
		{s.Refused, "state = 'judged' AND passed = FALSE", since},
		{s.Held, "state = 'held'", millis(s.Since)},
	} {
		if !part.wanted {
			continue
		}
		var rows []reportRow
		q := s.about(d.Read(ctx).Where(part.where).Where("city_id = ? AND time > ?", cityID, part.since))
		if err := q.Order("time DESC, seq DESC").Limit(s.Limit).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("find reports: %w", err)
		}
		list = append(list, mapRows(rows, reportRow.judged)...)
	}
	slices.SortFunc(list, func(a, b Judged) int {
		return cmp.Or(b.Report.Time.Compare(a.Report.Time), cmp.Compare(b.Seq, a.Seq))
	})
	return list[:min(s.Limit, len(list))], nil
}

// about leaves out what is not about the line. A reading is stored as JSON, where nothing
// but its lines has the sign between them.
func (s Search) about(q *gorm.DB) *gorm.DB {
	if s.Line == "" {
		return q
	}
	name, err := json.Marshal("|" + s.Line + "|")
	if err != nil { // no text fails
		return q.Where("FALSE")
	}
	return q.Where("instr(reading, ?) > 0", strings.Trim(string(name), `"`))
}

// Reports is FindReports for those that passed, or those that were refused or are held,
// that are not older than ago.
func (d *DB) Reports(ctx context.Context, cityID int64, passed bool, ago time.Duration, limit int) ([]Judged, error) {
	return d.FindReports(ctx, cityID, Search{Passed: passed, Refused: !passed, Held: !passed, Within: ago, Limit: limit})
}
