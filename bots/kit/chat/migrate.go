package chat

import (
	"gorm.io/gorm"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// AddGroups returns the migration of a chat network that was there before the
// GroupTables: they are made, and those of its recipients that are groups are in them,
// still without their names.
func AddGroups(network string, box *secret.Box, isGroup func(address string) bool) func(*gorm.DB) error {
	g := &groups{table: network + "_groups", box: box}
	return func(tx *gorm.DB) error {
		if err := db.SQL(GroupTables(network)...)(tx); err != nil {
			return err
		}
		return recipients.ForMigration(network, box).Each(tx, func(r recipients.Recipient, key string) error {
			if !isGroup(r.Address) {
				return nil
			}
			return g.put(tx, r.BotID, r.ID, key, Group{}.bounded())
		})
	}
}
