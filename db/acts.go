package db

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Act is something that somebody did with a city, or with the server.
type Act struct {
	ID     int64
	CityID int64  // 0: of the server as a whole
	Slug   string // of the city; only from Acts
	At     time.Time
	Who    string // the address of a moderator, "operator", or "key" and its name; empty: the program itself
	Act    string // what was done, as "rules.saved"
	// Subject is what it was done to, as a network or the address of a moderator: nothing
	// that a rider wrote, and nobody's address who is no moderator or invited.
	Subject string
}

// actsKept is how long acts are kept.
const actsKept = 90 * 24 * time.Hour

type actRow struct {
	ID      int64
	CityID  sql.NullInt64
	At      int64
	Who     string
	Act     string
	Subject string
}

func (actRow) TableName() string { return "acts" }

// AddAct stores what was done now.
func (d *DB) AddAct(ctx context.Context, a Act) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Create(&actRow{CityID: orNull(a.CityID), At: millis(d.now()), Who: a.Who, Act: a.Act, Subject: a.Subject}).Error
	})
	if err != nil {
		return fmt.Errorf("store act %s: %w", a.Act, err)
	}
	return nil
}

// CityActs returns what was done with a city, the last first: at most limit acts, those
// before the one with the id before; 0: the last ones.
func (d *DB) CityActs(ctx context.Context, cityID, before int64, limit int) ([]Act, error) {
	return d.acts(ctx, "a.city_id = ?1 AND (?2 = 0 OR a.id < ?2)", limit, cityID, before)
}

// Acts is CityActs for all cities and the server together.
func (d *DB) Acts(ctx context.Context, before int64, limit int) ([]Act, error) {
	return d.acts(ctx, "(?1 = 0 OR a.id < ?1)", limit, before)
}

func (d *DB) acts(ctx context.Context, where string, limit int, args ...any) ([]Act, error) {
	rows, err := d.query(ctx, fmt.Sprintf(`SELECT a.id, coalesce(a.city_id, 0), coalesce(c.slug, ''), a.at, a.who, a.act, a.subject
		FROM acts AS a LEFT JOIN cities AS c ON c.id = a.city_id WHERE %s ORDER BY a.id DESC LIMIT %d`, where, limit), args...)
	if err != nil {
		return nil, fmt.Errorf("acts: %w", err)
	}
	defer rows.Close()
	var list []Act
	for rows.Next() {
		var a Act
		var at int64
		if err := rows.Scan(&a.ID, &a.CityID, &a.Slug, &at, &a.Who, &a.Act, &a.Subject); err != nil {
			return nil, fmt.Errorf("acts: %w", err)
		}
		a.At = fromMillis(at)
		list = append(list, a)
	}
	return list, d.ended(rows)
}
