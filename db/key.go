package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

// Fingerprint returns the fingerprint of the secret key that the database is
// written with; ErrNotFound where none was stored yet. It may be called before
// Migrate.
func (d *DB) Fingerprint(ctx context.Context) (fingerprint string, err error) {
	tables, err := d.Tables(ctx)
	if err == nil && !tables["secret_key"] {
		err = ErrNotFound
	}
	if err == nil {
		err = d.ReadRow(ctx, "SELECT fingerprint FROM secret_key").Scan(&fingerprint)
	}
	if err != nil {
		return "", fmt.Errorf("fingerprint of the secret key: %w", err)
	}
	return fingerprint, nil
}

// SetFingerprint stores the fingerprint in the place of the former one; empty: there was
// none. The error is ErrTaken where another process has stored another meanwhile.
func (d *DB) SetFingerprint(ctx context.Context, former, fingerprint string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := LockNames(tx, "secret_key"); err != nil {
			return err
		}
		var there []string
		if err := tx.Raw("SELECT fingerprint FROM secret_key").Scan(&there).Error; err != nil {
			return err
		}
		for _, f := range there {
			switch f {
			case fingerprint:
				return nil
			case former:
			default:
				return ErrTaken
			}
		}
		if err := tx.Exec("DELETE FROM secret_key").Error; err != nil {
			return err
		}
		return tx.Exec("INSERT INTO secret_key (fingerprint) VALUES (?)", fingerprint).Error
	})
	if err != nil {
		return fmt.Errorf("store fingerprint of the secret key: %w", err)
	}
	return nil
}

// ForgetKey deletes what is of no use without the key that it was made with:
// mails that wait, those to the operator, what the links in old mails lead to, counts, who is muted,
// certificates, answers of the API, and the networks' own ids of reports: what was to be
// boosted is posted. On a server the words of reports are sealed as well: the reports go.
func (d *DB) ForgetKey(ctx context.Context) error {
	reports := []string{"UPDATE reports SET network_id = '' WHERE network_id <> ''"}
	if d.OnServer() {
		reports = []string{"DELETE FROM fanouts", "DELETE FROM outcomes", "DELETE FROM receipts", "DELETE FROM reports"}
	}
	err := d.Write(ctx, SQL(append(reports, "DELETE FROM mails", "DELETE FROM registrations", "DELETE FROM invitations",
		"DELETE FROM limits", "DELETE FROM mutes", "DELETE FROM secrets", "DELETE FROM api_answers", "DELETE FROM postmaster")...))
	if err != nil {
		return fmt.Errorf("forget what the former secret key is needed for: %w", err)
	}
	return nil
}
