package db

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Queued says what of the queue is meant. What is zero does not matter.
type Queued struct {
	CityID  int64
	BotID   int64
	Network string
	Before  time.Time // only what was stored before then
}

// where is the condition on fanouts.
func (q Queued) where() (string, []any) {
	var parts []string
	var args []any
	add := func(part string, arg any) { parts, args = append(parts, part), append(args, arg) }
	if q.CityID != 0 {
		add("bot_id IN (SELECT id FROM bots WHERE city_id = ?)", q.CityID)
	}
	if q.BotID != 0 {
		add("bot_id = ?", q.BotID)
	}
	if q.Network != "" {
		add("bot_id IN (SELECT id FROM bots WHERE network = ?)", q.Network)
	}
	if !q.Before.IsZero() {
		add("created < ?", millis(q.Before))
	}
	if len(parts) == 0 {
		return "1 = 1", nil
	}
	return strings.Join(parts, " AND "), args
}

// BotQueue is what waits to be sent by one bot.
type BotQueue struct {
	BotID   int64
	CityID  int64
	Network string
	Reports int
	Fanouts int       // of up to FanoutSize recipients each
	Tried   int       // fanouts that could not be sent at least once
	Oldest  time.Time // when the first was stored
	Due     time.Time // when the first is tried next; zero: at once
}

// Queue returns what waits to be sent, by bot, the oldest first.
func (d *DB) Queue(ctx context.Context, of Queued) ([]BotQueue, error) {
	where, args := of.where()
	rows, err := d.query(ctx, `SELECT q.bot_id, b.city_id, b.network, q.reports, q.fanouts, q.tried, q.oldest, q.due FROM
			(SELECT bot_id, count(DISTINCT report) AS reports, count(*) AS fanouts, sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END) AS tried,
				min(created) AS oldest, min(due) AS due FROM fanouts WHERE `+where+` GROUP BY bot_id) AS q
		JOIN bots AS b ON b.id = q.bot_id ORDER BY q.oldest, q.bot_id`, args...)
	if err != nil {
		return nil, fmt.Errorf("list what waits: %w", err)
	}
	defer rows.Close()
	var list []BotQueue
	for rows.Next() {
		var q BotQueue
		var oldest, due int64
		if err := rows.Scan(&q.BotID, &q.CityID, &q.Network, &q.Reports, &q.Fanouts, &q.Tried, &oldest, &due); err != nil {
			return nil, fmt.Errorf("list what waits: %w", err)
		}
		q.Oldest, q.Due = fromMillis(oldest), fromMillis(due)
		list = append(list, q)
	}
	return list, d.ended(rows)
}

// RetryQueue makes due at once what waits to be sent, and has the bots made again, which then
// try. It returns the cities of the bots.
func (d *DB) RetryQueue(ctx context.Context, of Queued) (cityIDs []int64, err error) {
	return d.changeQueue(ctx, of, "UPDATE fanouts SET due = 0 WHERE due > 0 AND ")
}

// DropQueue deletes what waits to be sent: nobody is sent it. It returns the cities of the
// bots. What a bot is sending at the moment goes out.
func (d *DB) DropQueue(ctx context.Context, of Queued) (cityIDs []int64, err error) {
	return d.changeQueue(ctx, of, "DELETE FROM fanouts WHERE ")
}

func (d *DB) changeQueue(ctx context.Context, of Queued, statement string) (cityIDs []int64, err error) {
	waiting, err := d.Queue(ctx, of)
	if err != nil {
		return nil, err
	}
	where, args := of.where()
	err = d.Write(ctx, func(tx *gorm.DB) error {
		if _, err := Exec(tx, statement+where, args...); err != nil {
			return err
		}
		for _, q := range waiting {
			if err := d.BotChanged(tx, q.BotID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("change what waits: %w", err)
	}
	for _, q := range waiting {
		cityIDs = append(cityIDs, q.CityID)
	}
	return cityIDs, nil
}

// FanoutsThere returns which of some fanouts are in the database.
func (d *DB) FanoutsThere(ctx context.Context, ids []int64) ([]int64, error) {
	var there []int64
	if err := d.Read(ctx).Raw("SELECT id FROM fanouts WHERE id IN ?", ids).Scan(&there).Error; err != nil {
		return nil, fmt.Errorf("look for what waits: %w", err)
	}
	return there, nil
}
