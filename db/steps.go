package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// Steps returns which of its first steps a city has noted, in the order in which it did.
func (d *DB) Steps(ctx context.Context, cityID int64) ([]string, error) {
	var steps string
	if err := d.ReadRow(ctx, "SELECT steps FROM cities WHERE id = ?", cityID).Scan(&steps); err != nil {
		return nil, fmt.Errorf("first steps: %w", err)
	}
	return strings.Fields(steps), nil
}

// NoteStep notes one of a city's first steps, which is a word. Once is enough.
func (d *DB) NoteStep(ctx context.Context, cityID int64, step string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := Lock(tx, "cities", cityID); err != nil {
			return err
		}
		var steps string
		if err := queryRow(tx, "SELECT steps FROM cities WHERE id = ?", cityID).Scan(&steps); err != nil {
			return notFound(err)
		}
		noted := strings.Fields(steps)
		if slices.Contains(noted, step) {
			return nil
		}
		return oneRow(tx.Exec("UPDATE cities SET steps = ? WHERE id = ?", strings.Join(append(noted, step), " "), cityID))
	})
	if err != nil {
		return fmt.Errorf("note a first step: %w", err)
	}
	return nil
}
