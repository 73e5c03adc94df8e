package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

type operatorRow struct {
	ModeratorID int64 `gorm:"primaryKey"`
	Created     int64
}

func (operatorRow) TableName() string { return "operators" }

// AddOperator makes the person with an address an operator, and gives them an account without
// a password where they have none. It does nothing if they are one.
func (d *DB) AddOperator(ctx context.Context, email string) (Moderator, error) {
	var moderator moderatorRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		moderator = moderatorRow{Email: email, Created: millis(d.now())}
		if err := findOrCreateModerator(tx, &moderator); err != nil {
			return err
		}
		_, err := Exec(tx, "INSERT INTO operators (moderator_id, created) VALUES (?, ?) ON CONFLICT DO NOTHING", moderator.ID, millis(d.now()))
		return err
	})
	if err != nil {
		return Moderator{}, fmt.Errorf("add operator: %w", err)
	}
	return moderator.moderator(), nil
}

// RemoveOperator makes the person with an address an operator no more, and deletes the account
// of one who has no city. The error is ErrNotFound if they are none.
func (d *DB) RemoveOperator(ctx context.Context, email string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		row, err := Take[moderatorRow](tx.Where("email = ?", email))
		if err != nil {
			return err
		}
		if err := Lock(tx, "moderators", row.ID); err != nil {
			return err
		}
		if err := oneRow(tx.Where("moderator_id = ?", row.ID).Delete(&operatorRow{})); err != nil {
			return err
		}
		return deleteIdle(tx, []int64{row.ID})
	})
	if err != nil {
		return fmt.Errorf("remove operator: %w", err)
	}
	return nil
}

// Operators returns the operators by address.
func (d *DB) Operators(ctx context.Context) ([]Moderator, error) {
	var rows []moderatorRow
	if err := d.Read(ctx).Where("id IN (SELECT moderator_id FROM operators)").Order("email").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list operators: %w", err)
	}
	return mapRows(rows, moderatorRow.moderator), nil
}

// IsOperator tells whether a moderator is an operator.
func (d *DB) IsOperator(ctx context.Context, moderatorID int64) (bool, error) {
	var is bool
	err := d.ReadRow(ctx, "SELECT EXISTS (SELECT 1 FROM operators WHERE moderator_id = ?)", moderatorID).Scan(&is)
	if err != nil {
		return false, fmt.Errorf("find operator: %w", err)
	}
	return is, nil
}
