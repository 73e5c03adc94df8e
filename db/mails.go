package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Mail is an account mail that waits to be sent. What it holds is the caller's,
// who seals it.
type Mail struct {
	ID       int64
	Sealed   string
	Attempts int // how often it could not be sent
	Created  time.Time
}

// AddMail stores an account mail. When it returns nil, the mail is on disk.
func (d *DB) AddMail(ctx context.Context, sealed string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, "INSERT INTO mails (mail, created) VALUES (?, ?)", sealed, millis(d.now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("store mail: %w", err)
	}
	return nil
}

// Mails returns the account mails that are due at now, the first one first, at
// most limit, but for those that known has; and when the next is due, zero where
// none is.
func (d *DB) Mails(ctx context.Context, now time.Time, limit int, known func(id int64) bool) (list []Mail, next time.Time, err error) {
	until, far := millis(now), millis(now.Add(farthest))
	rows, err := d.query(ctx, "SELECT id, mail, attempts, created FROM mails WHERE due <= ? OR due > ? ORDER BY due, id", until, far)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list mails: %w", err)
	}
	defer rows.Close()
	for rows.Next() && len(list) < limit {
		var m Mail
		var created int64
		if err := rows.Scan(&m.ID, &m.Sealed, &m.Attempts, &created); err != nil {
			return nil, time.Time{}, fmt.Errorf("list mails: %w", err)
		}
		m.Created = fromMillis(created)
		if !known(m.ID) {
			list = append(list, m)
		}
	}
	if err := d.ended(rows); err != nil {
		return nil, time.Time{}, fmt.Errorf("list mails: %w", err)
	}
	var ms int64
	if err := d.ReadRow(ctx, "SELECT coalesce(min(due), 0) FROM mails WHERE due > ? AND due <= ?", until, far).Scan(&ms); err != nil {
		return nil, time.Time{}, fmt.Errorf("list mails: %w", err)
	}
	return list, fromMillis(ms), nil
}

// CountMails returns how many account mails wait.
func (d *DB) CountMails(ctx context.Context) (n int, err error) {
	if err := d.ReadRow(ctx, "SELECT count(*) FROM mails").Scan(&n); err != nil {
		return 0, fmt.Errorf("count mails: %w", err)
	}
	return n, nil
}

// DeleteMail deletes an account mail that was sent, or never can be.
func (d *DB) DeleteMail(ctx context.Context, id int64) error {
	return d.writeMail(ctx, "DELETE FROM mails WHERE id = ?", id)
}

// PutOffMail has an account mail wait until due.
func (d *DB) PutOffMail(ctx context.Context, id int64, attempts int, due time.Time) error {
	return d.writeMail(ctx, "UPDATE mails SET attempts = ?, due = ? WHERE id = ?", attempts, millis(due), id)
}

func (d *DB) writeMail(ctx context.Context, statement string, args ...any) error {
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, statement, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("change mail: %w", err)
	}
	d.AfterSync(func(error) {})
	return nil
}
