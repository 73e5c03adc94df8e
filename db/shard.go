package db

import (
	"context"
	"fmt"

	"ticketfrei/internal/report"
)

// EnabledBotsOf returns the bots of the cities of a shard that are switched on; none of a
// city that is off.
func (d *DB) EnabledBotsOf(ctx context.Context, shard int) ([]report.Bot, error) {
	return d.bots(d.Read(ctx).Where("enabled = TRUE AND city_id % ? = ?"+cityOn, Shards, shard))
}

// FirstUnjudged returns the place of the first report that waits to be judged, of each of our
// cities that has one.
func (d *DB) FirstUnjudged(ctx context.Context) (map[int64]int64, error) {
	rows, err := d.query(ctx, "SELECT city_id, min(seq) FROM reports WHERE state = 'heard'"+d.ours("city_id")+" GROUP BY city_id")
	if err != nil {
		return nil, fmt.Errorf("list cities with reports that wait: %w", err)
	}
	defer rows.Close()
	first := make(map[int64]int64)
	for rows.Next() {
		var cityID, seq int64
		if err := rows.Scan(&cityID, &seq); err != nil {
			return nil, fmt.Errorf("list cities with reports that wait: %w", err)
		}
		first[cityID] = seq
	}
	return first, d.ended(rows)
}

// BotsToSendOf returns the bots of the cities of a shard that have open fanouts.
func (d *DB) BotsToSendOf(ctx context.Context, shard int) ([]int64, error) {
	ids, err := ReadColumn[int64](ctx, d, `SELECT b.id FROM bots AS b
		WHERE b.city_id % ? = ? AND EXISTS (SELECT 1 FROM fanouts AS f WHERE f.bot_id = b.id)`, Shards, shard)
	if err != nil {
		return nil, fmt.Errorf("list bots that have something to send: %w", err)
	}
	return ids, nil
}
