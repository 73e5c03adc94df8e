package db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Places returns the lines and stops of a city, as package place writes them; empty where
// it has none.
func (d *DB) Places(ctx context.Context, cityID int64) (string, error) {
	var text string
	err := d.ReadRow(ctx, "SELECT text FROM places WHERE city_id = ?", cityID).Scan(&text)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", fmt.Errorf("places of a city: %w", err)
	}
	return text, nil
}

// PlacesChanged returns when the places of a city were stored; zero where they never were.
func (d *DB) PlacesChanged(ctx context.Context, cityID int64) (time.Time, error) {
	var updated int64
	err := d.ReadRow(ctx, "SELECT updated FROM places WHERE city_id = ?", cityID).Scan(&updated)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return time.Time{}, fmt.Errorf("places of a city: %w", err)
	}
	return fromMillis(updated), nil
}

// PlacesVersion returns another number than before where the places of a city were stored
// since; 0 where they never were.
func (d *DB) PlacesVersion(ctx context.Context, cityID int64) (version int64, err error) {
	err = d.ReadRow(ctx, "SELECT version + 1 FROM places WHERE city_id = ?", cityID).Scan(&version)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, fmt.Errorf("places of a city: %w", err)
	}
	return version, nil
}

// ReplacePlaces stores the lines and stops of a city, which the caller has checked, in
// place of those it has, unless check says something against it, which is given the text
// that is stored. It may be asked twice. A city that is gone is ErrNotFound.
func (d *DB) ReplacePlaces(ctx context.Context, cityID int64, text string, check func(stored string) error) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := Lock(tx, "cities", cityID); err != nil {
			return err
		}
		var stored string
		err := queryRow(tx, "SELECT text FROM places WHERE city_id = ?", cityID).Scan(&stored)
		if err = notFound(err); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := check(stored); err != nil {
			return err
		}
		err = tx.Exec(`INSERT INTO places (city_id, text, updated, version) VALUES (?, ?, ?, 1)
			ON CONFLICT (city_id) DO UPDATE SET text = excluded.text, updated = excluded.updated, version = places.version + 1`,
			cityID, text, millis(d.now())).Error
		if err != nil {
			return err
		}
		return d.CityChanged(tx, cityID)
	})
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("save places: %w", err)
	}
	return nil
}

// storedRow is a report.Reading as it is stored.
type storedRow struct {
	Line   string       `json:"line,omitempty"`
	Stop   string       `json:"stop,omitempty"`
	Toward string       `json:"toward,omitempty"`
	People int          `json:"people,omitempty"`
	Clear  bool         `json:"clear,omitempty"`
	Lines  report.Lines `json:"lines,omitempty"`
}

// storedReading is what is stored of a reading: empty where nothing was read.
func storedReading(r report.Reading) string {
	if r == (report.Reading{}) {
		return ""
	}
	raw, err := json.Marshal(storedRow(r))
	if err != nil { // there is nothing in it that could fail
		return ""
	}
	return string(raw)
}

// readingOf is the reading that was stored.
func readingOf(stored string) report.Reading {
	if stored == "" {
		return report.Reading{}
	}
	var r storedRow
	if json.Unmarshal([]byte(stored), &r) != nil {
		return report.Reading{}
	}
	return report.Reading(r)
}
