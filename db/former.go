package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// slugKept is how long the slug of a deleted city is kept from others: its
// address stands on posters, and riders would write to whoever had it.
const slugKept = 365 * 24 * time.Hour

// SlugKept tells whether a city had the slug and was deleted less than a year ago.
func (d *DB) SlugKept(ctx context.Context, slug string) (bool, error) {
	kept, err := d.slugKept(d.Read(ctx), slug)
	if err != nil {
		return false, fmt.Errorf("look for deleted city: %w", err)
	}
	return kept, nil
}

func (d *DB) slugKept(tx *gorm.DB, slug string) (kept bool, err error) {
	err = tx.Raw("SELECT EXISTS (SELECT 1 FROM former_cities WHERE slug = ? AND deleted > ?)", slug, d.since(slugKept)).Scan(&kept).Error
	return kept, err
}

// keepSlug keeps the slug of a city that is being deleted, and its aliases. Nothing else of
// the city is kept.
func (d *DB) keepSlug(tx *gorm.DB, cityID int64) error {
	return tx.Exec(`INSERT INTO former_cities (slug, deleted)
		SELECT slug, CAST(?1 AS BIGINT) FROM cities WHERE id = ?2 UNION SELECT slug, CAST(?1 AS BIGINT) FROM city_aliases WHERE city_id = ?2
		ON CONFLICT (slug) DO UPDATE SET deleted = excluded.deleted`, d.today(), cityID).Error
}

// FreeSlug lets a new city have the slug of a deleted one.
func (d *DB) FreeSlug(ctx context.Context, slug string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM former_cities WHERE slug = ?", slug).Error
	})
	if err != nil {
		return fmt.Errorf("free slug: %w", err)
	}
	return nil
}
