package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Rename gives a city another slug and returns it as it is now. The one that it had becomes an
// alias; where it takes one of its aliases, that is none any more. Its bots are made again,
// which use the slug. The error is ErrTaken where the slug is another city's, or was a deleted
// one's: see FreeSlug.
func (d *DB) Rename(ctx context.Context, cityID int64, slug string) (c report.City, err error) {
	err = d.Write(ctx, func(tx *gorm.DB) error {
		if err := lockWhole(tx, "cities", cityID); err != nil {
			return err
		}
		row, err := Take[cityRow](tx.Where("id = ?", cityID))
		if err != nil {
			return err
		}
		if row.Slug == slug {
			c = row.city()
			return nil
		}
		if err := LockNames(tx, slugLock(slug), slugLock(row.Slug)); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM city_aliases WHERE slug = ? AND city_id = ?", slug, cityID).Error; err != nil {
			return err
		}
		if err := d.slugFree(tx, slug); err != nil {
			return err
		}
		if err := d.insertAlias(tx, cityID, row.Slug); err != nil {
			return err
		}
		row.Slug = slug
		if err := tx.Model(&cityRow{}).Where("id = ?", cityID).Update("slug", slug).Error; err != nil {
			return err
		}
		c = row.city()
		if err := d.CityChanged(tx, cityID); err != nil {
			return err
		}
		return d.restartBots(tx, cityID)
	})
	if err != nil {
		return report.City{}, fmt.Errorf("rename city: %w", taken(err))
	}
	return c, nil
}

// Aliases returns the slugs besides its own that lead to a city.
func (d *DB) Aliases(ctx context.Context, cityID int64) ([]string, error) {
	list, err := ReadColumn[string](ctx, d, "SELECT slug FROM city_aliases WHERE city_id = ? ORDER BY slug", cityID)
	if err != nil {
		return nil, fmt.Errorf("list aliases: %w", err)
	}
	return list, nil
}

// AddAlias has a slug lead to a city. One that does already is no error. The error is ErrTaken
// where it is a city's, its own too, or was a deleted one's: see FreeSlug.
func (d *DB) AddAlias(ctx context.Context, cityID int64, slug string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := Lock(tx, "cities", cityID); err != nil {
			return err
		}
		if _, err := Take[cityRow](tx.Where("id = ?", cityID)); err != nil {
			return err
		}
		var has bool
		if err := queryRow(tx, "SELECT EXISTS (SELECT 1 FROM city_aliases WHERE slug = ? AND city_id = ?)", slug, cityID).Scan(&has); err != nil || has {
			return err
		}
		if err := d.slugFree(tx, slug); err != nil {
			return err
		}
		if err := d.insertAlias(tx, cityID, slug); err != nil {
			return err
		}
		return d.CityChanged(tx, cityID)
	})
	if err != nil {
		return fmt.Errorf("add alias: %w", taken(err))
	}
	return nil
}

// RemoveAlias has a slug lead to a city no more. The error is ErrNotFound where it is no alias
// of it.
func (d *DB) RemoveAlias(ctx context.Context, cityID int64, slug string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := oneRow(tx.Exec("DELETE FROM city_aliases WHERE slug = ? AND city_id = ?", slug, cityID)); err != nil {
			return err
		}
		return d.CityChanged(tx, cityID)
	})
	if err != nil {
		return fmt.Errorf("remove alias: %w", err)
	}
	return nil
}

// slugLock is the name of the lock of who takes a slug: see LockNames.
func slugLock(slug string) string { return "slug:" + slug }

func (d *DB) insertAlias(tx *gorm.DB, cityID int64, slug string) error {
	return tx.Exec("INSERT INTO city_aliases (slug, city_id, created) VALUES (?, ?, ?)", slug, cityID, millis(d.now())).Error
}

// slugFree is ErrTaken where a slug leads to a city, or was a deleted one's. Until tx ends
// nobody else takes it.
func (d *DB) slugFree(tx *gorm.DB, slug string) error {
	if err := aliasFree(tx, slug); err != nil {
		return err
	}
	var has bool
	if err := queryRow(tx, "SELECT EXISTS (SELECT 1 FROM cities WHERE slug = ?)", slug).Scan(&has); err != nil {
		return err
	}
	kept, err := d.slugKept(tx, slug)
	if err == nil && (has || kept) {
		err = ErrTaken
	}
	return err
}

// aliasFree is ErrTaken where a slug is an alias. Until tx ends nobody else takes it.
func aliasFree(tx *gorm.DB, slug string) error {
	if err := LockNames(tx, slugLock(slug)); err != nil {
		return err
	}
	var has bool
	err := queryRow(tx, "SELECT EXISTS (SELECT 1 FROM city_aliases WHERE slug = ?)", slug).Scan(&has)
	if err == nil && has {
		err = ErrTaken
	}
	return err
}
