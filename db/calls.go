package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Call is what somebody wants of a bot and has said to a process that does not run it. The
// process that does takes it from here. There are none in a file, where one process runs all
// bots.
type Call struct {
	ID     int64
	Sealed string // what was said; the caller seals it
}

// callsKept is how long a call waits for its bot.
const callsKept = 24 * time.Hour

// RunsElsewhere tells whether another process runs a bot, or is about to. It is false where
// there is no such bot.
func (d *DB) RunsElsewhere(ctx context.Context, botID int64) (bool, error) {
	if !d.OnServer() {
		return false, nil
	}
	var cityID int64
	switch err := d.ReadRow(ctx, "SELECT city_id FROM bots WHERE id = ?", botID).Scan(&cityID); {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("find the city of a bot: %w", err)
	}
	return !d.Owns(cityID), nil
}

// AddCall keeps a call for a bot and returns its id. When it returns nil, the call is on disk.
// The error is ErrNotFound where the bot is off or gone, or that many wait for it already.
func (d *DB) AddCall(ctx context.Context, botID int64, sealed string, most int) (id int64, err error) {
	err = d.Write(ctx, func(tx *gorm.DB) error {
		return notFound(queryRow(tx, `INSERT INTO calls (bot_id, body, created) SELECT id, ?2, ?3 FROM bots
			WHERE id = ?1 AND enabled = TRUE AND (SELECT count(*) FROM calls WHERE bot_id = bots.id) < ?4 RETURNING id`,
			botID, sealed, millis(d.now()), most).Scan(&id))
	})
	if err != nil {
		return 0, fmt.Errorf("keep a call: %w", err)
	}
	return id, nil
}

// Calls returns the calls that wait for a bot and came since a time, the first one first, at
// most limit.
func (d *DB) Calls(ctx context.Context, botID int64, since time.Time, limit int) (list []Call, err error) {
	rows, err := d.query(ctx, "SELECT id, body FROM calls WHERE bot_id = ? AND answer = '' AND created >= ? ORDER BY id LIMIT ?", botID, millis(since), limit)
	if err != nil {
		return nil, fmt.Errorf("list calls: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c Call
		if err := rows.Scan(&c.ID, &c.Sealed); err != nil {
			return nil, fmt.Errorf("list calls: %w", err)
		}
		list = append(list, c)
	}
	if err := d.ended(rows); err != nil {
		return nil, fmt.Errorf("list calls: %w", err)
	}
	return list, nil
}

// CalledBots returns the bots for which calls wait; none where there is one process.
func (d *DB) CalledBots(ctx context.Context) ([]int64, error) {
	if !d.OnServer() {
		return nil, nil
	}
	ids, err := ReadColumn[int64](ctx, d, "SELECT DISTINCT bot_id FROM calls WHERE answer = ''")
	if err != nil {
		return nil, fmt.Errorf("find bots that were called: %w", err)
	}
	return ids, nil
}

// AnswerCall keeps the answer to a call, which must not be empty, for who waits for it.
func (d *DB) AnswerCall(ctx context.Context, id int64, sealed string) error {
	return d.writeCall(ctx, "UPDATE calls SET answer = ? WHERE id = ?", sealed, id)
}

// CallAnswer returns the answer to a call; empty where there is none yet, and ErrNotFound
// where the call is gone.
func (d *DB) CallAnswer(ctx context.Context, id int64) (sealed string, err error) {
	if err := d.ReadRow(ctx, "SELECT answer FROM calls WHERE id = ?", id).Scan(&sealed); err != nil {
		return "", fmt.Errorf("find the answer to a call: %w", err)
	}
	return sealed, nil
}

// DeleteCall deletes a call whose bot has dealt with it.
func (d *DB) DeleteCall(ctx context.Context, id int64) error {
	return d.writeCall(ctx, "DELETE FROM calls WHERE id = ?", id)
}

// writeCall changes a call. It may be lost with the power: what is done twice has the effect
// of once.
func (d *DB) writeCall(ctx context.Context, statement string, args ...any) error {
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, statement, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("change a call: %w", err)
	}
	return nil
}

// deleteOldCalls deletes calls that have waited for too long.
func (d *DB) deleteOldCalls(ctx context.Context) error {
	if !d.OnServer() {
		return nil
	}
	return d.deleteSlices(ctx, "calls", "id", "created < ?", d.since(callsKept))
}
