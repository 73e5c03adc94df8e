package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Invitation asks somebody to become a moderator of a city.
type Invitation struct {
	ID      int64
	CityID  int64
	Email   string
	Role    report.Role // that they will have
	MadeBy  int64       // id of the moderator who invites; 0: the operator, or not known
	Created time.Time
}

type invitationRow struct {
	ID, CityID  int64
	Email, Role string
	MadeBy      int64
	Created     int64
}

func (invitationRow) TableName() string { return "invitations" }

func (r invitationRow) invitation() Invitation {
	return Invitation{ID: r.ID, CityID: r.CityID, Email: r.Email, Role: report.Role(r.Role), MadeBy: r.MadeBy, Created: fromMillis(r.Created)}
}

// CreateInvitation stores an invitation; a second one to the same address
// replaces the first.
func (d *DB) CreateInvitation(ctx context.Context, inv Invitation) (Invitation, error) {
	var row invitationRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		row = invitationRow{CityID: inv.CityID, Email: inv.Email, Role: string(inv.Role), MadeBy: inv.MadeBy, Created: millis(d.now())}
		if err := Lock(tx, "cities", inv.CityID); err != nil {
			return err
		}
		if err := tx.Where("city_id = ? AND email = ?", inv.CityID, inv.Email).Delete(&invitationRow{}).Error; err != nil {
			return err
		}
		return tx.Create(&row).Error
	})
	if err != nil {
		return Invitation{}, fmt.Errorf("create invitation: %w", err)
	}
	return row.invitation(), nil
}

// Invitation returns the open invitation with that id, or ErrNotFound.
func (d *DB) Invitation(ctx context.Context, id int64) (Invitation, error) {
	row, err := Take[invitationRow](d.Read(ctx).Where("id = ?", id))
	if err != nil {
		return Invitation{}, fmt.Errorf("invitation: %w", err)
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
// passwordHash is the password of a new moderator; one that already exists
// keeps its own. The error is ErrNotFound if the invitation was withdrawn or
// accepted before.
func (d *DB) AcceptInvitation(ctx context.Context, id int64, passwordHash string) (Moderator, error) {
	var moderator moderatorRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		var inv invitationRow
		// It is taken first: who accepts it at the same time finds none.
		if err := oneRow(tx.Raw("DELETE FROM invitations WHERE id = ? RETURNING city_id, email, role", id).Scan(&inv)); err != nil {
			return err
		}
		moderator = moderatorRow{Email: inv.Email, Password: passwordHash, Created: millis(d.now())}
		if err := findOrCreateModerator(tx, &moderator); err != nil {
			return err
		}
		_, err := d.addMember(tx, inv.CityID, moderator.ID, report.Role(inv.Role))
		return err
	})
	if err != nil {
		return Moderator{}, fmt.Errorf("accept invitation: %w", err)
	}
	return moderator.moderator(), nil
}

// DeleteInvitation withdraws an invitation of the city. The error is ErrNotFound if it is
// gone.
func (d *DB) DeleteInvitation(ctx context.Context, cityID, id int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return oneRow(tx.Where("id = ? AND city_id = ?", id, cityID).Delete(&invitationRow{}))
	})
	if err != nil {
		return fmt.Errorf("delete invitation: %w", err)
	}
	return nil
}
