package db

import (
	"context"
	"fmt"

	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// MovedSource is an installation of another program with what opens the links in its old mails.
type MovedSource struct {
	ID     int64
	Secret []byte
}

// MovedSources returns the installations of a program whose links can be opened, the first that
// came first.
func (d *DB) MovedSources(ctx context.Context, box *secret.Box, program string) ([]MovedSource, error) {
	var rows []struct {
		ID     int64
		Secret string
	}
	err := d.Read(ctx).Raw("SELECT id, secret FROM moved_sources WHERE program = ? AND secret <> '' ORDER BY id", program).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list moved sources: %w", err)
	}
	var list []MovedSource
	for _, r := range rows {
		// What another key has sealed opens nothing any more: its links are as any that do not hold.
		if opened, err := box.Open(movedSecretPlace(r.ID), r.Secret); err == nil {
			list = append(list, MovedSource{r.ID, []byte(opened)})
		}
	}
	return list, nil
}

// FindMovedCity returns what has become of the city with a number of a program, or ErrNotFound.
// Of several installations with that number it is the first that came; source names one, 0 any.
func (d *DB) FindMovedCity(ctx context.Context, program string, source, old int64) (report.City, error) {
	return d.movedCity(ctx, "m.old = ?3", program, source, old)
}

// FindMovedCityNamed is FindMovedCity by the name that was typed there.
func (d *DB) FindMovedCityNamed(ctx context.Context, program string, source int64, name string) (report.City, error) {
	return d.movedCity(ctx, "m.name = ?3", program, source, name)
}

func (d *DB) movedCity(ctx context.Context, where, program string, source int64, is any) (report.City, error) {
	return scanCity(d.ReadRow(ctx, "SELECT "+briefColumns+` FROM cities AS c WHERE c.id = (SELECT m.city_id
		FROM moved_cities AS m JOIN moved_sources AS s ON s.id = m.source_id
		WHERE s.program = ?1 AND (?2 = 0 OR s.id = ?2) AND m.city_id IS NOT NULL AND `+where+`
		ORDER BY m.source_id, m.old LIMIT 1)`, program, source, is))
}
