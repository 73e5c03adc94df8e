package db

import (
	"context"
	"fmt"
	"time"
)

// CityLogLine is a line of the log of one of a city's bots.
type CityLogLine struct {
	LogLine
	BotID   int64
	Network string
}

// CityLog returns lines of the logs of a city's bots, newest first: those of a network, of a
// level and since then, where these are given, and at most limit of them.
func (d *DB) CityLog(ctx context.Context, cityID int64, network, level string, since time.Time, limit int) ([]CityLogLine, error) {
	rows, err := d.query(ctx, `SELECT l.at, l.level, l.text, b.id, b.network FROM bots AS b JOIN bot_log AS l ON l.bot_id = b.id
		WHERE b.city_id = ?1 AND (b.network = ?2 OR ?2 = '') AND (l.level = ?3 OR ?3 = '') AND l.at >= ?4
		ORDER BY l.at DESC, l.id DESC LIMIT ?5`, cityID, network, level, millis(since), limit)
	if err != nil {
		return nil, fmt.Errorf("read log of city: %w", err)
	}
	defer rows.Close()
	var list []CityLogLine
	for rows.Next() {
		var l CityLogLine
		var at int64
		if err := rows.Scan(&at, &l.Level, &l.Text, &l.BotID, &l.Network); err != nil {
			return nil, fmt.Errorf("read log of city: %w", err)
		}
		l.At = fromMillis(at)
		list = append(list, l)
	}
	return list, d.ended(rows)
}
