package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/report"
)

// Moderator is a person with a login.
type Moderator struct {
	ID       int64
	Email    string // lower case
	Password string // argon2id hash
	Created  time.Time
}

// Registration is a sign-up that waits for its confirmation by mail.
type Registration struct {
	ID       int64
	Email    string
	Password string // argon2id hash
	CityName string
	Slug     string
	Language string
	Created  time.Time
}

// Invitation asks somebody to become a moderator of a city.
type Invitation struct {
	ID      int64
	CityID  int64
	Email   string
	Created time.Time
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

type cityModeratorRow struct {
	CityID      int64
	ModeratorID int64
}

func (cityModeratorRow) TableName() string { return "city_moderators" }

type registrationRow struct {
	ID                                        int64
	Email, Password, CityName, Slug, Language string
	Created                                   int64
}

func (registrationRow) TableName() string { return "registrations" }

type invitationRow struct {
	ID, CityID int64
	Email      string
	Created    int64
}

func (invitationRow) TableName() string { return "invitations" }

func (r invitationRow) invitation() Invitation {
	return Invitation{ID: r.ID, CityID: r.CityID, Email: r.Email, Created: fromMillis(r.Created)}
}

// CreateModerator stores a new moderator. The error is ErrTaken when the
// address has one.
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

// Moderator returns the moderator of that id, or ErrNotFound.
func (d *DB) Moderator(ctx context.Context, id int64) (Moderator, error) {
	return findModerator(d.Read(ctx).Where("id = ?", id))
}

// FindModerator returns the moderator of that address, or ErrNotFound.
func (d *DB) FindModerator(ctx context.Context, email string) (Moderator, error) {
	return findModerator(d.Read(ctx).Where("email = ?", email))
}

func findModerator(where *gorm.DB) (Moderator, error) {
	var row moderatorRow
	if err := where.Take(&row).Error; err != nil {
		return Moderator{}, fmt.Errorf("moderator: %w", notFound(err))
	}
	return row.moderator(), nil
}

// SetPassword stores the hash of a moderator's new password.
func (d *DB) SetPassword(ctx context.Context, moderatorID int64, passwordHash string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return oneRow(tx.Model(&moderatorRow{}).Where("id = ?", moderatorID).Update("password", passwordHash))
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
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
	err := d.Read(ctx).Where("id IN (SELECT city_id FROM city_moderators WHERE moderator_id = ?)", moderatorID).Order("name COLLATE NOCASE, id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list cities of moderator: %w", err)
	}
	return mapRows(rows, cityRow.city), nil
}

// RemoveModerator takes a moderator's rights on a city. The last one stays:
// the error is ErrTaken then. One who has no other city is deleted.
func (d *DB) RemoveModerator(ctx context.Context, cityID, moderatorID int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		var n int64
		if err := tx.Model(&cityModeratorRow{}).Where("city_id = ?", cityID).Count(&n).Error; err != nil {
			return err
		}
		result := tx.Where("city_id = ? AND moderator_id = ?", cityID, moderatorID).Delete(&cityModeratorRow{})
		if err := oneRow(result); err != nil {
			return err
		}
		if n == 1 {
			return ErrTaken
		}
		return tx.Exec("DELETE FROM moderators WHERE id = ? AND id NOT IN (SELECT moderator_id FROM city_moderators)", moderatorID).Error
	})
	if err != nil {
		return fmt.Errorf("remove moderator: %w", err)
	}
	return nil
}

// CreateRegistration stores a sign-up until it is confirmed.
func (d *DB) CreateRegistration(ctx context.Context, r Registration) (Registration, error) {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		row := registrationRow{Email: r.Email, Password: r.Password, CityName: r.CityName,
			Slug: r.Slug, Language: r.Language, Created: millis(d.now())}
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

// Registration returns the waiting sign-up of that id, or ErrNotFound.
func (d *DB) Registration(ctx context.Context, id int64) (Registration, error) {
	var row registrationRow
	if err := d.Read(ctx).Where("id = ?", id).Take(&row).Error; err != nil {
		return Registration{}, fmt.Errorf("registration: %w", notFound(err))
	}
	return Registration{ID: row.ID, Email: row.Email, Password: row.Password, CityName: row.CityName,
		Slug: row.Slug, Language: row.Language, Created: fromMillis(row.Created)}, nil
}

// ConfirmRegistration turns a sign-up into a moderator (an address that has
// one keeps its password) and the city c with bots of the networks. The error
// is ErrTaken when the slug was taken in the meantime, ErrNotFound when the
// sign-up was confirmed before.
func (d *DB) ConfirmRegistration(ctx context.Context, id int64, c report.City, networks []string) (report.City, Moderator, error) {
	var city cityRow
	var moderator moderatorRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		var reg registrationRow
		city, moderator = toCityRow(c), moderatorRow{}
		if err := tx.Where("id = ?", id).Take(&reg).Error; err != nil {
			return err
		}
		moderator = moderatorRow{Email: reg.Email, Password: reg.Password, Created: millis(d.now())}
		if err := findOrCreateModerator(tx, &moderator); err != nil {
			return err
		}
		if err := d.createCity(tx, &city, moderator.ID, networks); err != nil {
			return err
		}
		return tx.Delete(&reg).Error
	})
	if err != nil {
		return report.City{}, Moderator{}, fmt.Errorf("confirm registration: %w", notFound(taken(err)))
	}
	return city.city(), moderator.moderator(), nil
}

func findOrCreateModerator(tx *gorm.DB, row *moderatorRow) error {
	var rows []moderatorRow
	if err := tx.Where("email = ?", row.Email).Limit(1).Find(&rows).Error; err != nil {
		return err
	}
	if len(rows) == 1 {
		*row = rows[0]
		return nil
	}
	return tx.Create(row).Error
}

// CreateInvitation stores an invitation; a second one to the same address
// replaces the first.
func (d *DB) CreateInvitation(ctx context.Context, cityID int64, email string) (Invitation, error) {
	var row invitationRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		row = invitationRow{CityID: cityID, Email: email, Created: millis(d.now())}
		if err := tx.Where("city_id = ? AND email = ?", cityID, email).Delete(&invitationRow{}).Error; err != nil {
			return err
		}
		return tx.Create(&row).Error
	})
	if err != nil {
		return Invitation{}, fmt.Errorf("create invitation: %w", err)
	}
	return row.invitation(), nil
}

// Invitation returns the open invitation of that id, or ErrNotFound.
func (d *DB) Invitation(ctx context.Context, id int64) (Invitation, error) {
	var row invitationRow
	if err := d.Read(ctx).Where("id = ?", id).Take(&row).Error; err != nil {
		return Invitation{}, fmt.Errorf("invitation: %w", notFound(err))
	}
	return row.invitation(), nil
}

// CityInvitations returns a city's open invitations by address.
func (d *DB) CityInvitations(ctx context.Context, cityID int64) ([]Invitation, error) {
	var rows []invitationRow
	if err := d.Read(ctx).Where("city_id = ?", cityID).Order("email").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return mapRows(rows, invitationRow.invitation), nil
}

// AcceptInvitation makes the invited address a moderator of the city.
// passwordHash is the password of a new moderator; an address that has a
// moderator keeps its own. The error is ErrNotFound when the invitation was
// taken back or accepted before.
func (d *DB) AcceptInvitation(ctx context.Context, id int64, passwordHash string) (Moderator, error) {
	var moderator moderatorRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		var inv invitationRow
		if err := tx.Where("id = ?", id).Take(&inv).Error; err != nil {
			return err
		}
		moderator = moderatorRow{Email: inv.Email, Password: passwordHash, Created: millis(d.now())}
		if err := findOrCreateModerator(tx, &moderator); err != nil {
			return err
		}
		if err := tx.Exec("INSERT OR IGNORE INTO city_moderators (city_id, moderator_id) VALUES (?, ?)", inv.CityID, moderator.ID).Error; err != nil {
			return err
		}
		return tx.Delete(&inv).Error
	})
	if err != nil {
		return Moderator{}, fmt.Errorf("accept invitation: %w", notFound(err))
	}
	return moderator.moderator(), nil
}

// DeleteInvitation takes an invitation of the city back. One that is gone is
// no error.
func (d *DB) DeleteInvitation(ctx context.Context, cityID, id int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Where("id = ? AND city_id = ?", id, cityID).Delete(&invitationRow{}).Error
	})
	if err != nil {
		return fmt.Errorf("delete invitation: %w", err)
	}
	return nil
}
