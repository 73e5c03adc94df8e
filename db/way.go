package db

import (
	"context"
	"fmt"
	"time"

	"ticketfrei/internal/report"
)

// Judgement is how many reports that one bot heard were judged alike. Of those that are
// refused only the newest are kept, and counted.
type Judgement struct {
	BotID    int64
	Held     bool // they wait for a moderator
	Passed   bool
	Reason   report.Reason
	Day      int // since the time that was asked for
	LastHour int
}

// Judgements counts the reports of a city that were written since a time, and since an
// hour ago.
func (d *DB) Judgements(ctx context.Context, cityID int64, since time.Time) ([]Judgement, error) {
	const columns = "SELECT bot_id, passed, reason, count(CASE WHEN time >= ?2 THEN 1 END), count(CASE WHEN time >= ?3 THEN 1 END), "
	hour := d.now().Add(-time.Hour)
	from := since
	if hour.Before(from) {
		from = hour
	}
	rows, err := d.query(ctx, columns+`FALSE FROM reports WHERE city_id = ?1 AND state = 'judged' AND passed IN (FALSE, TRUE) AND time >= ?4
		GROUP BY bot_id, passed, reason
		UNION ALL `+columns+`TRUE FROM reports WHERE city_id = ?1 AND state = 'held' AND time >= ?4 GROUP BY bot_id, passed, reason`,
		cityID, millis(since), millis(hour), millis(from))
	if err != nil {
		return nil, fmt.Errorf("count what was judged: %w", err)
	}
	defer rows.Close()
	var list []Judgement
	for rows.Next() {
		var j Judgement
		if err := rows.Scan(&j.BotID, &j.Passed, &j.Reason, &j.Day, &j.LastHour, &j.Held); err != nil {
			return nil, fmt.Errorf("count what was judged: %w", err)
		}
		list = append(list, j)
	}
	return list, d.ended(rows)
}
