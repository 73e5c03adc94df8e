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
