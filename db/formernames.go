package db

import (
	"context"
	"fmt"
)

// FindFormerName returns the slug of the city that had that name in another program, as it was
// typed there or stood in an address; or ErrNotFound.
func (d *DB) FindFormerName(ctx context.Context, name string) (slug string, err error) {
	err = d.ReadRow(ctx, "SELECT c.slug FROM former_names AS f JOIN cities AS c ON c.id = f.city_id WHERE f.name = ?", FormerName(name)).Scan(&slug)
	if err != nil {
		return "", fmt.Errorf("former name: %w", err)
	}
	return slug, nil
}

// FormerNames returns the names of a city in other programs that are no slugs.
func (d *DB) FormerNames(ctx context.Context, cityID int64) ([]string, error) {
	list, err := ReadColumn[string](ctx, d, "SELECT name FROM former_names WHERE city_id = ? ORDER BY name", cityID)
	if err != nil {
		return nil, fmt.Errorf("list former names: %w", err)
	}
	return list, nil
}
