package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// HoldLock takes a lock that one of the processes on a server has at a time, or keeps it for
// longer: held is false where another has it. It is free after life, by the server's clock,
// whatever became of its holder, which is a name that nobody else has. On a file there is
// nobody to share with.
func (d *DB) HoldLock(ctx context.Context, name, holder string, life time.Duration) (held bool, err error) {
	if !d.OnServer() {
		return true, nil
	}
	err = d.Write(ctx, func(tx *gorm.DB) error {
		result, err := Exec(tx, `INSERT INTO locks (name, holder, until) VALUES (?, ?, `+msNow+` + ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE locks.holder = excluded.holder OR locks.until < `+msNow, name, holder, life.Milliseconds())
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		held = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("hold lock %s: %w", name, err)
	}
	return held, nil
}

// FreeLock gives a lock back that the holder may have.
func (d *DB) FreeLock(ctx context.Context, name, holder string) error {
	if !d.OnServer() {
		return nil
	}
	err := d.Write(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, "DELETE FROM locks WHERE name = ? AND holder = ?", name, holder)
		return err
	})
	if err != nil {
		return fmt.Errorf("free lock %s: %w", name, err)
	}
	return nil
}
