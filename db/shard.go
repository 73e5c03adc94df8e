package db

import (
	"context"
	"fmt"

	"ticketfrei/internal/report"
)

// EnabledBotsOf returns the bots of the cities of a shard that are switched on.
func (d *DB) EnabledBotsOf(ctx context.Context, shard int) ([]report.Bot, error) {
	return d.bots(d.Read(ctx).Where("enabled = TRUE AND city_id % ? = ?", Shards, shard))
}

// HeardCities returns our cities with reports that wait to be judged.
func (d *DB) HeardCities(ctx context.Context) ([]int64, error) {
	ids, err := ReadColumn[int64](ctx, d, "SELECT DISTINCT city_id FROM reports WHERE state = 'heard'"+d.ours("city_id"))
	if err != nil {
		return nil, fmt.Errorf("list cities with reports that wait: %w", err)
	}
	return ids, nil
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
