package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Moderator is a person with a login.
type Moderator struct {
	ID       int64
	Email    string // lower case
	Password string // argon2id hash, or of another program: see manage.MatchPassword
	Created  time.Time
}

type moderatorRow struct {
	ID       int64
	Email    string
	Password string
	Created  int64
}

func (moderatorRow) TableName() string { return "moderators" }

func (r moderatorRow) moderator() Moderator {
	return Moderator{ID: r.ID, Email: r.Email, Password: r.Password, Created: fromMillis(r.Created)}
}

// CreateModerator stores a new moderator. The error is ErrTaken if the address
// already has one.
func (d *DB) CreateModerator(ctx context.Context, email, passwordHash string) (Moderator, error) {
	var row moderatorRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		row = moderatorRow{Email: email, Password: passwordHash, Created: millis(d.now())}
		return tx.Create(&row).Error
	})
	if err != nil {
		return Moderator{}, fmt.Errorf("create moderator: %w", taken(err))
	}
	return row.moderator(), nil
}

// Moderator returns the moderator with that id, or ErrNotFound.
func (d *DB) Moderator(ctx context.Context, id int64) (Moderator, error) {
	return findModerator(d.Read(ctx).Where("id = ?", id))
}

// FindModerator returns the moderator with that address, or ErrNotFound.
func (d *DB) FindModerator(ctx context.Context, email string) (Moderator, error) {
	return findModerator(d.Read(ctx).Where("email = ?", email))
}

func findModerator(where *gorm.DB) (Moderator, error) {
	row, err := Take[moderatorRow](where)
	if err != nil {
		return Moderator{}, fmt.Errorf("moderator: %w", err)
	}
	return row.moderator(), nil
}

// SetPassword stores the hash of a moderator's new password in place of the one that m has,
// and ends all logins. The error is ErrNotFound if the moderator was removed, or has another
// password, by now.
func (d *DB) SetPassword(ctx context.Context, m Moderator, passwordHash string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := oneRow(tx.Model(&moderatorRow{}).Where("id = ? AND password = ?", m.ID, m.Password).Update("password", passwordHash)); err != nil {
			return err
		}
		return tx.Where("moderator_id = ?", m.ID).Delete(&loginRow{}).Error
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

// RenewHash stores another hash of the password that m has; logins go on. The error is
// ErrNotFound if the moderator was removed, or has another hash, by now.
func (d *DB) RenewHash(ctx context.Context, m Moderator, passwordHash string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return oneRow(tx.Model(&moderatorRow{}).Where("id = ? AND password = ?", m.ID, m.Password).Update("password", passwordHash))
	})
	if err != nil {
		return fmt.Errorf("renew hash of password: %w", err)
	}
	return nil
}

// CityModerators returns a city's moderators by address.
func (d *DB) CityModerators(ctx context.Context, cityID int64) ([]Moderator, error) {
	var rows []moderatorRow
	err := d.Read(ctx).Where("id IN (SELECT moderator_id FROM city_moderators WHERE city_id = ?)", cityID).Order("email").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list moderators: %w", err)
	}
	return mapRows(rows, moderatorRow.moderator), nil
}

// ModeratorCities returns the cities a moderator runs, by name.
func (d *DB) ModeratorCities(ctx context.Context, moderatorID int64) ([]report.City, error) {
	var rows []cityRow
	err := d.Read(ctx).Where("id IN (SELECT city_id FROM city_moderators WHERE moderator_id = ?)", moderatorID).Order("lower(name), name, id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list cities of moderator: %w", err)
	}
	return mapRows(rows, cityRow.city), nil
}

// findOrCreateModerator fills row with the moderator that has its address, and
// creates one if there is none. Whoever would delete them waits until tx ends.
func findOrCreateModerator(tx *gorm.DB, row *moderatorRow) error {
	return tx.Raw(`INSERT INTO moderators (email, password, created) VALUES (?, ?, ?)
		ON CONFLICT (email) DO UPDATE SET created = moderators.created RETURNING id, email, password, created`,
		row.Email, row.Password, row.Created).Scan(row).Error
}
