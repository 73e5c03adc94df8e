package db

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// CityLogLine is a line of the log of a bot.
type CityLogLine struct {
	LogLine
	ID      int64 // ascends with time
	BotID   int64
	Network string
	Slug    string // of its city
}

// LogFilter says which lines of the bots' logs are meant. What is zero does not matter.
type LogFilter struct {
	CityID  int64
	BotID   int64
	Network string
	Level   string // the least, as slog writes it
	Since   time.Time
	After   int64 // only lines with a greater ID
	Limit   int
}

// lesserLevels returns the levels below one, as slog writes them.
func lesserLevels(level string) []any {
	switch level {
	case "INFO":
		return []any{"DEBUG"}
	case "WARN":
		return []any{"DEBUG", "INFO"}
	case "ERROR":
		return []any{"DEBUG", "INFO", "WARN"}
	}
	return nil
}

// BotLogs returns lines of the logs of bots, the newest first.
func (d *DB) BotLogs(ctx context.Context, f LogFilter) ([]CityLogLine, error) {
	where, args := []string{"l.at >= ?"}, []any{millis(f.Since)}
	add := func(part string, values ...any) { where, args = append(where, part), append(args, values...) }
	if f.CityID != 0 {
		add("b.city_id = ?", f.CityID)
	}
	if f.BotID != 0 {
		add("l.bot_id = ?", f.BotID)
	}
	if f.Network != "" {
		add("b.network = ?", f.Network)
	}
	if less := lesserLevels(f.Level); less != nil {
		add("l.level NOT IN (?"+strings.Repeat(", ?", len(less)-1)+")", less...)
	}
	if f.After != 0 {
		add("l.id > ?", f.After)
	}
	rows, err := d.query(ctx, `SELECT l.id, l.at, l.level, l.text, b.id, b.network, c.slug FROM bot_log AS l
		JOIN bots AS b ON b.id = l.bot_id JOIN cities AS c ON c.id = b.city_id
		WHERE `+strings.Join(where, " AND ")+" ORDER BY l.at DESC, l.id DESC LIMIT ?", append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("read logs of bots: %w", err)
	}
	defer rows.Close()
	var list []CityLogLine
	for rows.Next() {
		var l CityLogLine
		var at int64
		if err := rows.Scan(&l.ID, &at, &l.Level, &l.Text, &l.BotID, &l.Network, &l.Slug); err != nil {
			return nil, fmt.Errorf("read logs of bots: %w", err)
		}
		l.At = fromMillis(at)
		list = append(list, l)
	}
	return list, d.ended(rows)
}
