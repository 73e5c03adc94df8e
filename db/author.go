package db

import (
	"context"
	"fmt"
)

// AuthorCounts returns how many reports of an author in a city passed, and how many were
// refused, of those that are kept; without the one whose id is but.
func (d *DB) AuthorCounts(ctx context.Context, cityID int64, author, but string) (passed, refused int, err error) {
	err = d.ReadRow(ctx, `SELECT
			(SELECT count(*) FROM reports WHERE city_id = ?1 AND author = ?2 AND passed = TRUE AND id <> ?3),
			(SELECT count(*) FROM reports WHERE city_id = ?1 AND author = ?2 AND id <> ?3
				AND state = 'judged' AND passed = FALSE AND reason <> 'taken_back')`, cityID, author, but).Scan(&passed, &refused)
	if err != nil {
		return 0, 0, fmt.Errorf("count reports of an author: %w", err)
	}
	return passed, refused, nil
}
