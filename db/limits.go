package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Limit is how often something may happen within a time, by whomever Key stands
// for. Key is a keyed hash: neither addresses nor those of clients are stored.
type Limit struct {
	Key    string
	Max    int
	Within time.Duration
}

// counted asks how often a key was counted. What expires later than it could if it were
// counted now was counted while the clock was wrong, and is left out.
const counted = "SELECT count(*) FROM limits WHERE key = ? AND expires > ? AND expires <= ?"

// Count counts one under each of the limits, together. If one is reached already
// it counts nothing and returns that one's key; otherwise "". The counts last
// over a restart.
func (d *DB) Count(ctx context.Context, limits ...Limit) (reached string, err error) {
	now := d.now()
	err = d.Write(ctx, func(tx *gorm.DB) error {
		reached = ""
		if err := lockLimits(tx, limits); err != nil {
			return err
		}
		for _, l := range limits {
			var n int
			if err := queryRow(tx, counted, l.Key, millis(now), millis(now.Add(l.Within))).Scan(&n); err != nil {
				return err
			}
			if n >= l.Max {
				reached = l.Key
				return nil
			}
		}
		for _, l := range limits {
			if err := Later(tx, "INSERT INTO limits (key, expires) VALUES (?, ?)", l.Key, millis(now.Add(l.Within))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("count: %w", err)
	}
	return reached, nil
}

// lockLimits has others who count under the same keys wait.
func lockLimits(tx *gorm.DB, limits []Limit) error {
	keys := make([]string, len(limits))
	for i, l := range limits {
		keys[i] = "limit:" + l.Key
	}
	return LockNames(tx, keys...)
}

// Uncount takes back one that was counted under a limit.
func (d *DB) Uncount(ctx context.Context, l Limit) error {
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		if err := lockLimits(tx, []Limit{l}); err != nil {
			return err
		}
		_, err := Exec(tx, "DELETE FROM limits WHERE rowid IN (SELECT rowid FROM limits WHERE key = ? ORDER BY expires DESC LIMIT 1)", l.Key)
		return err
	})
	if err != nil {
		return fmt.Errorf("take back a count: %w", err)
	}
	return nil
}
