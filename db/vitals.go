package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Vital is something that is known of how the server is doing, for those who look from
// another process: whether mails leave, until when a certificate holds, when the last backup
// was made. It names no rider and no subscriber.
type Vital struct {
	Name    string // what it is about
	Process string // whose it is; empty: that of all
	Value   string // JSON
	At      time.Time
}

// SaveVital stores a vital in place of what the process has said before. An empty value takes
// it away.
func (d *DB) SaveVital(ctx context.Context, name, process, value string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if value == "" {
			_, err := Exec(tx, "DELETE FROM vitals WHERE name = ? AND process = ?", name, process)
			return err
		}
		_, err := Exec(tx, `INSERT INTO vitals (name, process, value, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (name, process) DO UPDATE SET value = excluded.value, at = excluded.at`, name, process, value, millis(d.now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// ForgetVitals takes away what a process has said.
func (d *DB) ForgetVitals(ctx context.Context, process string) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, "DELETE FROM vitals WHERE process = ?", process)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget what a process has said: %w", err)
	}
	return nil
}

// Vitals returns what is known, by name and process.
func (d *DB) Vitals(ctx context.Context) ([]Vital, error) {
	rows, err := d.query(ctx, "SELECT name, process, value, at FROM vitals ORDER BY name, process")
	if err != nil {
		return nil, fmt.Errorf("read how the server is doing: %w", err)
	}
	defer rows.Close()
	var list []Vital
	for rows.Next() {
		var v Vital
		var at int64
		if err := rows.Scan(&v.Name, &v.Process, &v.Value, &at); err != nil {
			return nil, fmt.Errorf("read how the server is doing: %w", err)
		}
		v.At = fromMillis(at)
		list = append(list, v)
	}
	return list, d.ended(rows)
}
