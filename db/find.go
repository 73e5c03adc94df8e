package db

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Search says which reports of a city are wanted.
type Search struct {
	Passed  bool            // those that passed
	Refused bool            // those that were refused or taken back
	Held    bool            // those that wait for a moderator
	Within  time.Duration   // none of the others that are as old; 0: however old
	Since   time.Time       // none that were written then or before
	Until   time.Time       // none that were written then or after; zero: all
	Line    string          // only those about this line of the city; empty: all. What was refused is kept without
	Network string          // only those heard there; empty: all
	Reasons []report.Reason // only those with one of these; none: all
	After   Place           // only those after it in the order in which they are returned
	Limit   int
}

// Place is the place of a report in the order in which reports are returned: the newest
// first. The zero Place is before all.
type Place struct {
	Time time.Time
	Seq  int64
}

// String returns the place as ParsePlace reads it.
func (p Place) String() string { return fmt.Sprintf("%d-%d", p.Time.UnixMilli(), p.Seq) }

// ParsePlace reads a place; empty: the zero Place.
func ParsePlace(text string) (Place, error) {
	if text == "" {
		return Place{}, nil
	}
	at, seq, _ := strings.Cut(text, "-")
	ms, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return Place{}, fmt.Errorf("place of a report: %w", err)
	}
	n, err := strconv.ParseInt(seq, 10, 64)
	if err != nil {
		return Place{}, fmt.Errorf("place of a report: %w", err)
	}
	return Place{time.UnixMilli(ms), n}, nil
}

// Place returns the place of a report.
func (j Judged) Place() Place { return Place{j.Report.Time, j.Seq} }

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
		found, err := d.findPart(ctx, s, func() *gorm.DB {
			return s.narrow(d.Read(ctx).Where(part.where).Where("city_id = ? AND time > ?", cityID, part.since).Order("time DESC, seq DESC"))
		})
		if err != nil {
			return nil, fmt.Errorf("find reports: %w", err)
		}
		list = append(list, found...)
	}
	slices.SortFunc(list, func(a, b Judged) int {
		return cmp.Or(b.Report.Time.Compare(a.Report.Time), cmp.Compare(b.Seq, a.Seq))
	})
	return list[:min(s.Limit, len(list))], nil
}

// narrow leaves out what is not wanted, as far as the database sees that.
func (s Search) narrow(q *gorm.DB) *gorm.DB {
	if !s.Until.IsZero() {
		q = q.Where("time < ?", millis(s.Until))
	}
	if s.Network != "" {
		q = q.Where("network = ?", s.Network)
	}
	if len(s.Reasons) > 0 {
		q = q.Where("reason IN ?", s.Reasons)
	}
	if s.After != (Place{}) {
		at := millis(s.After.Time)
		q = q.Where("(time < ? OR time = ? AND seq < ?)", at, at, s.After.Seq)
	}
	return q
}

// ReasonCount is how many reports of a city have a reason.
type ReasonCount struct {
	Reason       report.Reason
	Passed, Held bool
	Count        int
}

// CountReports counts the reports of a city that were judged, by what became of them. Those
// that are held count however old they are, the others where they are not older than within.
func (d *DB) CountReports(ctx context.Context, cityID int64, within time.Duration) ([]ReasonCount, error) {
	judged, err := d.countBy(ctx, false, "state = 'judged' AND city_id = ? AND passed IN (TRUE, FALSE) AND time > ?", cityID, d.since(within))
	if err != nil {
		return nil, fmt.Errorf("count reports: %w", err)
	}
	held, err := d.countBy(ctx, true, "state = 'held' AND city_id = ?", cityID)
	if err != nil {
		return nil, fmt.Errorf("count reports: %w", err)
	}
	return append(judged, held...), nil
}

// countBy counts some reports by reason.
func (d *DB) countBy(ctx context.Context, held bool, where string, args ...any) (list []ReasonCount, _ error) {
	rows, err := d.query(ctx, "SELECT reason, passed, count(*) FROM reports WHERE "+where+" GROUP BY reason, passed ORDER BY reason", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c := ReasonCount{Held: held}
		if err := rows.Scan(&c.Reason, &c.Passed, &c.Count); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, d.ended(rows)
}

// findPart returns those of some reports that are wanted, in their order.
func (d *DB) findPart(ctx context.Context, s Search, some func() *gorm.DB) ([]Judged, error) {
	if s.Line != "" && d.words != nil {
		return d.lookThrough(s, some)
	}
	var rows []reportRow
	err := s.about(some()).Limit(s.Limit).Find(&rows).Error
	return mapRows(rows, d.judgedOf), err
}

// lookedAtOnce is how many reports are read into memory at the same time to look into them.
const lookedAtOnce = 200

// lookThrough is findPart where only we can read which lines a report is about.
func (d *DB) lookThrough(s Search, some func() *gorm.DB) (list []Judged, _ error) {
	for at := (reportRow{Time: math.MaxInt64}); ; {
		var rows []reportRow
		err := some().Where("(time < ? OR time = ? AND seq < ?)", at.Time, at.Time, at.Seq).Limit(lookedAtOnce).Find(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if j := d.judgedOf(row); j.Report.Reading.Lines.Has(s.Line) {
				list = append(list, j)
			}
			if len(list) == s.Limit {
				return list, nil
			}
		}
		if len(rows) < lookedAtOnce {
			return list, nil
		}
		at = rows[len(rows)-1]
	}
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
