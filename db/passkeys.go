package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// MaxPasskeys is how many passkeys a moderator may have.
const MaxPasskeys = 20

// Passkey is a key on a device of a moderator's, with which they log in.
type Passkey struct {
	ID           int64
	ModeratorID  int64
	CredentialID string // by which the device knows it
	Name         string // as the moderator tells it from others
	// Credential is what its answers are checked by, as JSON. It opens nothing.
	Credential string
	Created    time.Time
	Used       time.Time // the day of the last login with it; zero: none yet
}

type passkeyRow struct {
	ID, ModeratorID                int64
	CredentialID, Name, Credential string
	Created, Used                  int64
}

func (passkeyRow) TableName() string { return "passkeys" }

func (r passkeyRow) passkey() Passkey {
	return Passkey{ID: r.ID, ModeratorID: r.ModeratorID, CredentialID: r.CredentialID, Name: r.Name, Credential: r.Credential,
		Created: fromMillis(r.Created), Used: fromMillis(r.Used)}
}

// AddPasskey stores a passkey. The error is ErrTooMany where its moderator has MaxPasskeys, and
// ErrTaken where there is one of that CredentialID.
func (d *DB) AddPasskey(ctx context.Context, p Passkey) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := Lock(tx, "moderators", p.ModeratorID); err != nil {
			return err
		}
		var n int64
		if err := tx.Model(&passkeyRow{}).Where("moderator_id = ?", p.ModeratorID).Count(&n).Error; err != nil {
			return err
		}
		if n >= MaxPasskeys {
			return ErrTooMany
		}
		return tx.Create(&passkeyRow{ModeratorID: p.ModeratorID, CredentialID: p.CredentialID, Name: p.Name, Credential: p.Credential, Created: millis(d.now())}).Error
	})
	if err != nil {
		return fmt.Errorf("store passkey: %w", taken(err))
	}
	return nil
}

// Passkeys returns the passkeys of a moderator, the oldest first.
func (d *DB) Passkeys(ctx context.Context, moderatorID int64) ([]Passkey, error) {
	var rows []passkeyRow
	if err := d.Read(ctx).Where("moderator_id = ?", moderatorID).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	return mapRows(rows, passkeyRow.passkey), nil
}

// FindPasskey returns the passkey with that CredentialID, or ErrNotFound.
func (d *DB) FindPasskey(ctx context.Context, credentialID string) (Passkey, error) {
	row, err := Take[passkeyRow](d.Read(ctx).Where("credential_id = ?", credentialID))
	if err != nil {
		return Passkey{}, fmt.Errorf("find passkey: %w", err)
	}
	return row.passkey(), nil
}

// UsePasskey stores what a passkey's next answer is checked by in place of what p has, and that
// it was used. The error is ErrNotFound where it was removed, or used elsewhere at the same time.
func (d *DB) UsePasskey(ctx context.Context, p Passkey, credential string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return oneRow(tx.Model(&passkeyRow{}).Where("id = ? AND credential = ?", p.ID, p.Credential).
			Updates(map[string]any{"credential": credential, "used": d.today()}))
	})
	if err != nil {
		return fmt.Errorf("use passkey: %w", err)
	}
	return nil
}

// RemovePasskey removes a passkey of a moderator. It does nothing if it is gone.
func (d *DB) RemovePasskey(ctx context.Context, moderatorID, id int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Where("id = ? AND moderator_id = ?", id, moderatorID).Delete(&passkeyRow{}).Error
	})
	if err != nil {
		return fmt.Errorf("remove passkey: %w", err)
	}
	return nil
}
