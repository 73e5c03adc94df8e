package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Mute makes the city hold what the author of a report says from now on.
func (d *DB) Mute(ctx context.Context, cityID int64, author string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO mutes (city_id, author, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", cityID, author, millis(d.now())).Error
	})
	if err != nil {
		return fmt.Errorf("mute author: %w", err)
	}
	return nil
}

// Unmute ends a mute. It does nothing if there is none.
func (d *DB) Unmute(ctx context.Context, cityID int64, author string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM mutes WHERE city_id = ? AND author = ?", cityID, author).Error
	})
	if err != nil {
		return fmt.Errorf("unmute author: %w", err)
	}
	return nil
}

// Mutes returns the hashes of a city's muted authors.
func (d *DB) Mutes(ctx context.Context, cityID int64) (map[string]bool, error) {
	var authors []string
	if err := d.Read(ctx).Raw("SELECT author FROM mutes WHERE city_id = ?", cityID).Scan(&authors).Error; err != nil {
		return nil, fmt.Errorf("list mutes: %w", err)
	}
	muted := make(map[string]bool, len(authors))
	for _, a := range authors {
		muted[a] = true
	}
	return muted, nil
}

// Muted is an author whom a city has muted.
type Muted struct {
	Author string // keyed hash
	Since  time.Time
	// Last is the newest that is kept of what they wrote, and passed before; its Seq is 0
	// where there is none.
	Last Judged
}

// MutedAuthors returns a city's muted authors, the last muted first.
func (d *DB) MutedAuthors(ctx context.Context, cityID int64) ([]Muted, error) {
	var rows []struct {
		Author  string
		Created int64
	}
	if err := d.Read(ctx).Raw("SELECT author, created FROM mutes WHERE city_id = ? ORDER BY created DESC, author", cityID).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("list muted authors: %w", err)
	}
	list := make([]Muted, len(rows))
	for i, row := range rows {
		list[i] = Muted{Author: row.Author, Since: fromMillis(row.Created)}
		var last []reportRow
		// Those that did not pass are found without an index: there are few of them.
		err := d.Read(ctx).Where("state <> 'heard' AND city_id = ? AND author = ?", cityID, row.Author).Order("seq DESC").Limit(1).Find(&last).Error
		if err != nil {
			return nil, fmt.Errorf("find what a muted author wrote: %w", err)
		}
		if len(last) > 0 {
			list[i].Last = d.judgedOf(last[0])
		}
	}
	return list, nil
}
