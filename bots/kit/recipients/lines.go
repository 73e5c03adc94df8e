package recipients

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// activeIndex makes the index by which thousands are listed and counted without reading
// their rows.
func activeIndex(network string) string {
	return "CREATE INDEX " + network + "_recipients_active ON " + network + "_recipients(bot_id, lines) WHERE suspended = 0"
}

// AddLines returns the migration of a network whose table was made before its recipients
// could choose lines.
func AddLines(network string) func(*gorm.DB) error {
	table := network + "_recipients"
	return func(tx *gorm.DB) error {
		there, err := db.HasColumn(tx, table, "lines")
		if err != nil || there {
			return err
		}
		return db.SQL("ALTER TABLE "+table+" ADD COLUMN lines TEXT NOT NULL DEFAULT ''",
			"DROP INDEX "+table+"_active", activeIndex(network))(tx)
	}
}

// SetLines has a recipient of a bot get the reports of these lines alone; of none: all
// reports. One that is not there is db.ErrNotFound.
func (s *Store) SetLines(ctx context.Context, botID, id int64, lines report.Lines) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("UPDATE "+s.table+" SET lines = ? WHERE bot_id = ? AND id = ?", string(lines), botID, id)
		if result.Error == nil && result.RowsAffected == 0 {
			return db.ErrNotFound
		}
		return result.Error
	})
	if err != nil {
		return fmt.Errorf("choose lines of %s: %w", s.network, err)
	}
	return nil
}
