package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// ErrPaused means that a city takes no reports at the moment: its moderators have
// stopped it, or it is off as a whole.
var ErrPaused = errors.New("the city takes no reports at the moment")

// Pause has a city take no reports until Resume, and nothing of what it has be judged
// or sent. wiped is how many reports it has, which WipeReports deletes; their seqs
// are not above upto.
func (d *DB) Pause(ctx context.Context, cityID int64) (wiped int, upto int64, err error) {
	err = d.Write(ctx, func(tx *gorm.DB) error {
		if err := lockWhole(tx, "cities", cityID); err != nil { // what is being heard meanwhile comes first
			return err
		}
		result := tx.Model(&cityRow{}).Where("id = ?", cityID).
			Update("paused", gorm.Expr("CASE WHEN paused > 0 THEN paused ELSE ? END", millis(d.now())))
		if err := oneRow(result); err != nil {
			return err
		}
		if wiped, upto, err = countCity(tx, cityID); err != nil {
			return err
		}
		if err := stopCity(tx, cityID); err != nil {
			return err
		}
		return d.CityChanged(tx, cityID)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("pause city: %w", err)
	}
	return wiped, upto, nil
}

// countCity counts the reports of a city, and returns the newest seq of all cities. It
// asks for each state, as each index by city holds the reports of one state.
func countCity(tx *gorm.DB, cityID int64) (n int, upto int64, err error) {
	err = queryRow(tx, `SELECT (SELECT count(*) FROM reports WHERE state = 'heard' AND city_id = ?1)
			+ (SELECT count(*) FROM reports WHERE state = 'held' AND city_id = ?1)
			+ (SELECT count(*) FROM reports WHERE state = 'judged' AND city_id = ?1),
			(SELECT coalesce(max(seq), 0) FROM reports)`, cityID).Scan(&n, &upto)
	return n, upto, err
}

// stopCity deletes what could still lead to something being sent.
func stopCity(tx *gorm.DB, cityID int64) error {
	for _, from := range []string{
		"reports WHERE state = 'heard' AND city_id = ?",
		"reports WHERE state = 'held' AND city_id = ?",
		"fanouts WHERE bot_id IN (SELECT id FROM bots WHERE city_id = ?)",
	} {
		if _, err := Exec(tx, "DELETE FROM "+from, cityID); err != nil {
			return err
		}
	}
	return nil
}

// WipeReports deletes the reports of a paused city, with all that belongs to them.
// DeleteExpired goes on where it did not come to the end.
func (d *DB) WipeReports(ctx context.Context, cityID int64) error {
	if err := d.deleteReports(ctx, swiftly, "state = 'judged' AND city_id = ?", cityID); err != nil {
		return fmt.Errorf("wipe reports: %w", err)
	}
	return nil
}

// wipePaused deletes what is left of the reports of paused cities.
func (d *DB) wipePaused(ctx context.Context) error {
	return d.deleteReports(ctx, swiftly, "state = 'judged' AND city_id IN (SELECT id FROM cities WHERE paused > 0)")
}

// Resume has a city take reports again. It does nothing where it does so.
func (d *DB) Resume(ctx context.Context, cityID int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := oneRow(tx.Model(&cityRow{}).Where("id = ?", cityID).Update("paused", 0)); err != nil {
			return err
		}
		return d.CityChanged(tx, cityID)
	})
	if err != nil {
		return fmt.Errorf("resume city: %w", err)
	}
	return nil
}
