package db

import (
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
	Since   time.Time     // none that were written then or before
	Within  time.Duration // none that are as old
	Line    string        // only those about this line of the city; empty: all
	Limit   int
}

// FindReports returns reports of a city, newest first.
func (d *DB) FindReports(ctx context.Context, cityID int64, s Search) ([]Judged, error) {
	var list []Judged
	for where, wanted := range map[string]bool{
		"state = 'judged' AND passed = TRUE": s.Passed, "state = 'judged' AND passed = FALSE": s.Refused, "state = 'held'": s.Held,
	} {
		if !wanted {
			continue
		}
		var rows []reportRow
		q := s.about(d.Read(ctx).Where(where).Where("city_id = ? AND time > ?", cityID, max(millis(s.Since), d.since(s.Within))))
		if err := q.Order("time DESC, seq DESC").Limit(s.Limit).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("find reports: %w", err)
		}
		list = append(list, mapRows(rows, reportRow.judged)...)
	}
	slices.SortFunc(list, func(a, b Judged) int {
		if c := b.Report.Time.Compare(a.Report.Time); c != 0 {
			return c
		}
		return int(b.Seq - a.Seq)
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
	if err != nil {
		return q.Where("FALSE")
	}
	return q.Where("instr(reading, ?) > 0", strings.Trim(string(name), `"`))
}
