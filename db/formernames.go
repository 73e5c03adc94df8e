package db

import (
	"context"
	"errors"
	"fmt"

	"ticketfrei/internal/report"
)

// SlugOf returns the slug of the city that is meant by a name which is neither a slug nor an
// alias: one that the city had in another program, or its name as people write it. The error is
// ErrNotFound where no city is.
func (d *DB) SlugOf(ctx context.Context, name string) (slug string, err error) {
	err = d.ReadRow(ctx, "SELECT c.slug FROM former_names AS f JOIN cities AS c ON c.id = f.city_id WHERE f.name = ?", FormerName(name)).Scan(&slug)
	if spelled := report.Slug(name); errors.Is(err, ErrNotFound) && spelled != "" && spelled != name {
		err = d.ReadRow(ctx, "SELECT c.slug FROM cities AS c WHERE "+bySlug, spelled).Scan(&slug)
	}
	if err != nil {
		return "", fmt.Errorf("city by a name: %w", err)
	}
	return slug, nil
}

// OtherNames returns the names besides its slug that lead to a city: its aliases, and those that
// it had in another program.
func (d *DB) OtherNames(ctx context.Context, cityID int64) ([]string, error) {
	list, err := ReadColumn[string](ctx, d, "SELECT slug FROM city_aliases WHERE city_id = ?1 UNION SELECT name FROM former_names WHERE city_id = ?1 ORDER BY 1", cityID)
	if err != nil {
		return nil, fmt.Errorf("other names of a city: %w", err)
	}
	return list, nil
}
