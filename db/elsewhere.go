package db

import (
	"context"
	"fmt"
	"math"

	"gorm.io/gorm"
)

// CityChanged notes within tx that a city, its rules, its lines or its bots are changed, for
// other processes: see Elsewhere. This process is told by whoever changes it, when tx has
// ended: see internal/notice.
func (d *DB) CityChanged(tx *gorm.DB, cityID int64) error {
	number := changeNumber
	if byServer(tx) {
		number = serverChangeNumber
	}
	_, err := Exec(tx, "INSERT INTO changes (city_id, n, process) VALUES (?, "+number+`, ?)
		ON CONFLICT (city_id) DO UPDATE SET n = excluded.n, process = excluded.process`, cityID, d.process)
	return err
}

// BotChanged is CityChanged for the city of a bot, which is made again. One that is gone is
// no error.
func (d *DB) BotChanged(tx *gorm.DB, botID int64) error {
	var cityIDs []int64
	if err := tx.Raw("UPDATE bots SET version = version + 1 WHERE id = ? RETURNING city_id", botID).Scan(&cityIDs).Error; err != nil {
		return err
	}
	for _, id := range cityIDs {
		if err := d.CityChanged(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// The numbers of changes. Transactions of SQLite are committed in the order in which they
// begin, and so is what they count. On a server it is the number of the transaction itself.
const (
	changeNumber       = "(SELECT coalesce(max(n), 0) + 1 FROM changes)"
	serverChangeNumber = "CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)"
)

// Elsewhere finds out which cities other processes have changed, by the numbers of their
// changes: no clock matters. It is for one goroutine.
type Elsewhere struct {
	db   *DB
	from int64           // the first number that may be new
	seen map[int64]int64 // the numbers from then on that were seen, by city
}

// FollowElsewhere returns what finds the changes from now on.
func (d *DB) FollowElsewhere(ctx context.Context) (*Elsewhere, error) {
	e := &Elsewhere{db: d, from: math.MaxInt64}
	_, err := e.Next(ctx)
	return e, err
}

// Next returns the cities that were changed since the last call. After an error the next
// call returns them.
func (e *Elsewhere) Next(ctx context.Context) (cityIDs []int64, err error) {
	query := newChanges
	if e.db.OnServer() {
		query = newServerChanges
	}
	rows, err := e.db.query(ctx, query, e.from)
	if err != nil {
		return nil, fmt.Errorf("look for changed cities: %w", err)
	}
	defer rows.Close()
	from, seen := e.from, make(map[int64]int64)
	for rows.Next() {
		var cityID, n, process int64
		if err := rows.Scan(&from, &cityID, &n, &process); err != nil {
			return nil, fmt.Errorf("look for changed cities: %w", err)
		}
		if cityID == 0 { // there is none
			continue
		}
		if n != e.seen[cityID] && process != e.db.process {
			cityIDs = append(cityIDs, cityID)
		}
		if n >= from {
			seen[cityID] = n
		}
	}
	if err := e.db.ended(rows); err != nil {
		return nil, fmt.Errorf("look for changed cities: %w", err)
	}
	e.from, e.seen = from, seen
	return cityIDs, nil
}

// What asks for changes from a number on, and from which number on others may come later.
// On a server transactions end in any order: none below the oldest that has not ended comes.
const (
	newChanges = `SELECT s.next, coalesce(c.city_id, 0), coalesce(c.n, 0), coalesce(c.process, 0)
		FROM (SELECT coalesce(max(n), 0) + 1 AS next FROM changes) AS s LEFT JOIN changes AS c ON c.n >= ?`
	newServerChanges = `SELECT s.next, coalesce(c.city_id, 0), coalesce(c.n, 0), coalesce(c.process, 0)
		FROM (SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) AS next) AS s LEFT JOIN changes AS c ON c.n >= ?`
)
