package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Where several processes share the cities, all of them send a large report of a bot whose
// network can do that. Its first fanouts are the owner's, as those of all other reports; the
// others are spare: whoever has room holds some of them, the owner as everybody else, and
// sends them. A holder is the lease of a process. When it is over, what it held is free.
//
// Nothing is locked while it is sent: what became of it is stored where the holder is still
// the same. The column fanouts.holder is NULL where a fanout is not spare, and empty where
// nobody holds it.

// ownFanouts is how many fanouts of a report through a bot are never spare: an ordinary
// report costs no more than where nobody shares anything.
const ownFanouts = 4

// unheld is the condition that nobody holds a fanout f, or that whoever did is gone.
const unheld = "NOT EXISTS (SELECT 1 FROM processes AS p WHERE p.id = f.holder)"

// shares tells whether this process shares the cities with others.
func (d *DB) shares() bool { return d.ownership.Load() != nil }

// notSpare is the end of a condition that selects the fanouts that are the owner's alone.
func (d *DB) notSpare() string {
	if d.shares() {
		return " AND holder IS NULL"
	}
	return ""
}

// Holder is the name by which this process holds spare fanouts; empty where it may hold none:
// it shares nothing, or its lease is over. Whoever holds some may send them while it stays
// the same.
func (d *DB) Holder() string {
	if o := d.ownership.Load(); o != nil {
		return o.holder()
	}
	return ""
}

// markSpare has those of a report through one bot be spare that others may send, too.
func (d *DB) markSpare(a Audience, list []Fanout) {
	if !a.Spread || !d.shares() {
		return
	}
	for i := ownFanouts; i < len(list); i++ {
		list[i].Spare = true
	}
}

// SpareBots returns the bots that are switched on and have spare fanouts that are due at now
// and that nobody holds.
func (d *DB) SpareBots(ctx context.Context, now time.Time) ([]report.Bot, error) {
	ids, err := ReadColumn[int64](ctx, d, "SELECT DISTINCT f.bot_id FROM fanouts AS f WHERE f.holder IS NOT NULL AND (f.due <= ? OR f.due > ?) AND "+unheld,
		millis(now), millis(now.Add(farthest)))
	if err != nil {
		return nil, fmt.Errorf("list bots with something that anybody may send: %w", err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return d.bots(d.Read(ctx).Where("enabled = TRUE AND id IN ?"+cityOn, ids))
}

// TakeFanouts has holder hold some spare fanouts of a bot that are due at now and that nobody
// holds, at most limit, and returns them. Which ones is left to chance, so that no report
// waits for another. When it returns, that is on disk: a server that forgot it would give
// them to somebody else.
func (d *DB) TakeFanouts(ctx context.Context, holder string, botID int64, now time.Time, limit int) ([]Fanout, error) {
	var ids []int64
	err := d.Write(ctx, func(tx *gorm.DB) error {
		ids = nil
		var locked []int64
		err := tx.Raw("SELECT f.id FROM fanouts AS f WHERE f.bot_id = ? AND f.holder IS NOT NULL AND (f.due <= ? OR f.due > ?) AND "+unheld+
			" ORDER BY random() LIMIT ? FOR UPDATE OF f SKIP LOCKED", botID, millis(now), millis(now.Add(farthest)), limit).Scan(&locked).Error
		if err != nil || len(locked) == 0 {
			return err
		}
		// Asked once more with the rows locked: who has taken one meanwhile may have come
		// after the question before.
		return tx.Raw("UPDATE fanouts AS f SET holder = ? WHERE f.id IN ? AND "+unheld+
			" AND EXISTS (SELECT 1 FROM processes WHERE id = ?) RETURNING f.id", holder, locked, holder).Scan(&ids).Error
	})
	if err != nil {
		return nil, fmt.Errorf("take what bot %d has to send: %w", botID, err)
	}
	return d.loadFanouts(ctx, ids, func(int64) bool { return false })
}

// FreeFanouts has holder hold some fanouts no more.
func (d *DB) FreeFanouts(ctx context.Context, holder string, ids []int64) error {
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE fanouts SET holder = '' WHERE id IN ? AND holder = ?", ids, holder).Error
	})
	if err != nil {
		return fmt.Errorf("let go of what is to be sent: %w", err)
	}
	return nil
}

// HeldFanouts returns what holder holds: the bots of the fanouts, by their id.
func (d *DB) HeldFanouts(ctx context.Context, holder string) (map[int64]int64, error) {
	rows, err := d.query(ctx, "SELECT id, bot_id FROM fanouts WHERE holder IS NOT NULL AND holder = ?", holder)
	if err != nil {
		return nil, fmt.Errorf("list what this process holds: %w", err)
	}
	defer rows.Close()
	held := make(map[int64]int64)
	for rows.Next() {
		var id, botID int64
		if err := rows.Scan(&id, &botID); err != nil {
			return nil, fmt.Errorf("list what this process holds: %w", err)
		}
		held[id] = botID
	}
	return held, d.ended(rows)
}

// updateSpare is updateFanout for a spare fanout. It is false also where another process
// holds it.
func updateSpare(tx *gorm.DB, o *Outcome) (there bool, err error) {
	f := o.Fanout
	statement, args := "DELETE FROM fanouts WHERE id = ? AND holder = ?", []any{f.ID, f.Holder}
	if o.Open != 0 {
		statement = "UPDATE fanouts SET open = ?, attempts = ?, due = ?, holder = ? WHERE id = ? AND holder = ?"
		args = append([]any{int64(o.Open), o.Attempts, millis(o.Due), o.Holder}, args...)
	}
	return changeOne(tx, statement, args...)
}
