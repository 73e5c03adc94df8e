package recipients

import (
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// Keying returns the migration that gives the recipients of a network the keys of
// their city, where they had the same in all cities. Those whose address cannot be
// opened with the key of the box keep theirs.
func Keying(network string, box *secret.Box) func(*gorm.DB) error {
	s := ForMigration(network, box)
	return func(tx *gorm.DB) error {
		if err := s.dropFormer(tx); err != nil {
			return err
		}
		var rows []struct {
			ID, BotID, CityID int64
			Key, Address      string
		}
		err := tx.Raw("SELECT r.id, bot_id, city_id, key, address FROM " + s.table + " AS r JOIN bots ON bots.id = bot_id").Scan(&rows).Error
		if err != nil {
			return err
		}
		for _, r := range rows {
			address, err := box.Open(s.place(r.BotID, r.Key), r.Address)
			if err != nil {
				continue
			}
			key := box.Author(r.CityID, network, address)
			if key == r.Key {
				continue
			}
			err = tx.Exec("UPDATE "+s.table+" SET key = ?, address = ? WHERE id = ?", key, box.Seal(s.place(r.BotID, key), address), r.ID).Error
			if err != nil {
				return fmt.Errorf("key recipient %d of %s: %w", r.ID, network, err)
			}
		}
		return nil
	}
}

// dropFormer drops the column that tables of earlier versions have: the address that
// a recipient had before.
func (s *Store) dropFormer(tx *gorm.DB) error {
	there, err := db.HasColumn(tx, s.table, "former")
	if err != nil || !there {
		return err
	}
	return db.SQL("DROP INDEX "+s.table+"_former", "ALTER TABLE "+s.table+" DROP COLUMN former")(tx)
}
