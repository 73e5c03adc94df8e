package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/secret"
)

// What is kept of the mails to the operator, in all: whoever floods them shall not fill the
// disk.
const (
	MaxPostmaster      = 1000     // mails
	MaxPostmasterBytes = 50 << 20 // as they came
)

// Postmaster holds the mails to the operator, sealed, until the operator deletes them.
type Postmaster struct {
	db  *DB
	box *secret.Box
}

// PostmasterMail is what is known of such a mail without reading it.
type PostmasterMail struct {
	ID   int64
	At   time.Time // when it came
	Size int       // bytes
}

// Postmaster returns the mails to the operator. box seals them.
func (d *DB) Postmaster(box *secret.Box) *Postmaster { return &Postmaster{d, box} }

// postmasterPlace is where such mails are sealed for.
const postmasterPlace = "postmaster.mail"

// overfull are the oldest mails beyond what is kept. The one that came last always has room:
// it is far smaller.
const overfull = `DELETE FROM postmaster WHERE id <= (SELECT coalesce(max(id), 0) FROM
	(SELECT id, row_number() OVER newer AS n, sum(size) OVER newer AS bytes FROM postmaster WINDOW newer AS (ORDER BY id DESC)) AS kept
	WHERE n > ? OR bytes > ?)`

// Keep stores a mail that came at a time. When it returns nil, the mail is on disk. dropped is
// how many older ones had to go for it.
func (p *Postmaster) Keep(ctx context.Context, raw []byte, at time.Time) (dropped int64, err error) {
	sealed := p.box.Seal(postmasterPlace, string(raw))
	err = p.db.Write(ctx, func(tx *gorm.DB) error {
		if _, err := Exec(tx, "INSERT INTO postmaster (at, size, mail) VALUES (?, ?, ?)", millis(at), len(raw), sealed); err != nil {
			return err
		}
		result, err := Exec(tx, overfull, MaxPostmaster, MaxPostmasterBytes)
		if err != nil {
			return err
		}
		dropped, err = result.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keep a mail to the operator: %w", err)
	}
	return dropped, nil
}

// List returns the mails, the first one first.
func (p *Postmaster) List(ctx context.Context) (list []PostmasterMail, err error) {
	rows, err := p.db.query(ctx, "SELECT id, at, size FROM postmaster ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("list the mails to the operator: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m PostmasterMail
		var at int64
		if err := rows.Scan(&m.ID, &at, &m.Size); err != nil {
			return nil, fmt.Errorf("list the mails to the operator: %w", err)
		}
		m.At = fromMillis(at)
		list = append(list, m)
	}
	if err := p.db.ended(rows); err != nil {
		return nil, fmt.Errorf("list the mails to the operator: %w", err)
	}
	return list, nil
}

// Read returns a mail as it came. The error is ErrNotFound where there is none of that id.
func (p *Postmaster) Read(ctx context.Context, id int64) ([]byte, error) {
	var sealed string
	if err := p.db.ReadRow(ctx, "SELECT mail FROM postmaster WHERE id = ?", id).Scan(&sealed); err != nil {
		return nil, fmt.Errorf("read mail %d to the operator: %w", id, err)
	}
	raw, err := p.box.Open(postmasterPlace, sealed)
	if err != nil {
		return nil, fmt.Errorf("read mail %d to the operator: %w", id, err)
	}
	return []byte(raw), nil
}

// DeletePostmaster deletes a mail to the operator. The error is ErrNotFound where there is none
// of that id.
func (d *DB) DeletePostmaster(ctx context.Context, id int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		there, err := changeOne(tx, "DELETE FROM postmaster WHERE id = ?", id)
		if err == nil && !there {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete mail %d to the operator: %w", id, err)
	}
	return nil
}

// EmptyPostmaster deletes all mails to the operator.
func (d *DB) EmptyPostmaster(ctx context.Context) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, "DELETE FROM postmaster")
		return err
	})
	if err != nil {
		return fmt.Errorf("delete the mails to the operator: %w", err)
	}
	return nil
}
