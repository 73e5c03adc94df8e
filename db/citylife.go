package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// cityOn is the end of a condition that leaves out what belongs to cities that are off: see
// report.City.Off.
const cityOn = " AND city_id NOT IN (SELECT id FROM cities WHERE suspended > 0 OR deleted > 0 OR waiting = TRUE)"

// Suspend switches a city off as a whole, for a reason that its moderators read, and returns
// it as it is now. One that is suspended stays so since then.
func (d *DB) Suspend(ctx context.Context, cityID int64, reason string) (report.City, error) {
	return d.switchCity(ctx, cityID, map[string]any{"suspended": sinceThen("suspended", d.now()), "suspended_for": reason})
}

// Admit lets a city go on that is suspended, or begin that waits, and returns it as it is now.
func (d *DB) Admit(ctx context.Context, cityID int64) (report.City, error) {
	return d.switchCity(ctx, cityID, map[string]any{"suspended": 0, "suspended_for": "", "waiting": false})
}

// MarkDeleted switches a city off that its moderators have deleted, and returns it as it is
// now. Nothing of it is deleted: see DeleteCity.
func (d *DB) MarkDeleted(ctx context.Context, cityID int64) (report.City, error) {
	return d.switchCity(ctx, cityID, map[string]any{"deleted": sinceThen("deleted", d.now())})
}

// Restore brings a city back that is marked as deleted, and returns it as it is now.
func (d *DB) Restore(ctx context.Context, cityID int64) (report.City, error) {
	return d.switchCity(ctx, cityID, map[string]any{"deleted": 0})
}

// sinceThen is a time that stays as it is where it is one.
func sinceThen(column string, now time.Time) any {
	return gorm.Expr("CASE WHEN "+column+" > 0 THEN "+column+" ELSE ? END", millis(now))
}

// switchCity stores what decides whether a city is off. What is being heard meanwhile comes
// first.
func (d *DB) switchCity(ctx context.Context, cityID int64, values map[string]any) (c report.City, err error) {
	err = d.Write(ctx, func(tx *gorm.DB) error {
		if err := lockWhole(tx, "cities", cityID); err != nil {
			return err
		}
		if err := oneRow(tx.Model(&cityRow{}).Where("id = ?", cityID).Updates(values)); err != nil {
			return err
		}
		row, err := Take[cityRow](tx.Where("id = ?", cityID))
		if err != nil {
			return err
		}
		c = row.city()
		return d.CityChanged(tx, cityID)
	})
	if err != nil {
		return report.City{}, fmt.Errorf("switch city on or off: %w", err)
	}
	return c, nil
}

// DeletedBefore returns the cities that were marked as deleted before then.
func (d *DB) DeletedBefore(ctx context.Context, then time.Time) ([]report.City, error) {
	var rows []cityRow
	if err := d.Read(ctx).Where("deleted > 0 AND deleted < ?", millis(then)).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list deleted cities: %w", err)
	}
	return mapRows(rows, cityRow.city), nil
}

// CityFigures is how busy a city is.
type CityFigures struct {
	CityID  int64
	Reports int       // that passed since some time
	Last    time.Time // when the last one passed that is kept; zero: none
}

// CityFigures returns the figures of all cities that have reports, counting those since then.
func (d *DB) CityFigures(ctx context.Context, then time.Time) (map[int64]CityFigures, error) {
	rows, err := d.query(ctx, `SELECT city_id, sum(CASE WHEN received >= ? THEN 1 ELSE 0 END), max(received) FROM reports
		WHERE state = 'judged' AND passed = TRUE GROUP BY city_id`, millis(then))
	if err != nil {
		return nil, fmt.Errorf("figures of cities: %w", err)
	}
	defer rows.Close()
	all := make(map[int64]CityFigures)
	for rows.Next() {
		var f CityFigures
		var last int64
		if err := rows.Scan(&f.CityID, &f.Reports, &last); err != nil {
			return nil, fmt.Errorf("figures of cities: %w", err)
		}
		f.Last = fromMillis(last)
		all[f.CityID] = f
	}
	return all, d.ended(rows)
}
