package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Registration is a sign-up that waits to be confirmed by mail.
type Registration struct {
	ID       int64
	Email    string
	CityName string
	Slug     string
	Language string
	Zone     string // of the city; empty: not known
	Created  time.Time
}

type registrationRow struct {
	ID                                    int64
	Email, CityName, Slug, Language, Zone string
	Created                               int64
}

func (registrationRow) TableName() string { return "registrations" }

// CreateRegistration stores a sign-up until it is confirmed.
func (d *DB) CreateRegistration(ctx context.Context, r Registration) (Registration, error) {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		row := registrationRow{Email: r.Email, CityName: r.CityName,
			Slug: r.Slug, Language: r.Language, Zone: r.Zone, Created: millis(d.now())}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		r.ID, r.Created = row.ID, fromMillis(row.Created)
		return nil
	})
	if err != nil {
		return Registration{}, fmt.Errorf("create registration: %w", err)
	}
	return r, nil
}

// Registration returns the waiting sign-up with that id, or ErrNotFound.
func (d *DB) Registration(ctx context.Context, id int64) (Registration, error) {
	row, err := Take[registrationRow](d.Read(ctx).Where("id = ?", id))
	if err != nil {
		return Registration{}, fmt.Errorf("registration: %w", err)
	}
	return Registration{ID: row.ID, Email: row.Email, CityName: row.CityName,
		Slug: row.Slug, Language: row.Language, Zone: row.Zone, Created: fromMillis(row.Created)}, nil
}

// ConfirmRegistration turns a sign-up into a moderator and the city c with bots
// on the networks. passwordHash is the password of a new moderator; one that already
// exists keeps its own. The error is ErrTaken if the slug was taken in the meantime, and
// ErrNotFound if the sign-up was confirmed before.
func (d *DB) ConfirmRegistration(ctx context.Context, id int64, passwordHash string, c report.City, networks []string) (report.City, Moderator, error) {
	var city cityRow
	var moderator moderatorRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		city, moderator = toCityRow(c), moderatorRow{}
		var reg registrationRow
		// It is taken first: who confirms it at the same time finds none.
		if err := oneRow(tx.Raw("DELETE FROM registrations WHERE id = ? RETURNING email", id).Scan(&reg)); err != nil {
			return err
		}
		moderator = moderatorRow{Email: reg.Email, Password: passwordHash, Created: millis(d.now())}
		if err := findOrCreateModerator(tx, &moderator); err != nil {
			return err
		}
		return d.createCity(tx, &city, moderator.ID, networks)
	})
	if err != nil {
		return report.City{}, Moderator{}, fmt.Errorf("confirm registration: %w", taken(err))
	}
	return city.city(), moderator.moderator(), nil
}
