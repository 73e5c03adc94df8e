package db

import "github.com/go-gormigrate/gormigrate/v2"

// forThoseWhoMove makes what is known of cities that came from another program, so that its
// links and addresses lead here, and a second import adds what is new and nothing else.
func forThoseWhoMove() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0023", Migrate: SQL(
		// Installations of other programs. The secret opens links in their old mails; sealed.
		`CREATE TABLE moved_sources (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			program TEXT NOT NULL,
			key TEXT NOT NULL,
			secret TEXT NOT NULL,
			created INTEGER NOT NULL,
			UNIQUE (program, key))`,
		// Their cities: number and name there. Without a city here: it was deleted. last is
		// the highest number of a moderator that was taken over.
		`CREATE TABLE moved_cities (
			source_id INTEGER NOT NULL REFERENCES moved_sources(id) ON DELETE CASCADE,
			old INTEGER NOT NULL,
			name TEXT NOT NULL,
			city_id INTEGER REFERENCES cities(id) ON DELETE SET NULL,
			last INTEGER NOT NULL DEFAULT 0,
			PRIMARY KEY (source_id, old)) WITHOUT ROWID`,
		`CREATE INDEX moved_cities_city ON moved_cities(city_id)`,
		// Their bots. Without a bot here: it was removed. last is the highest number of a
		// recipient that was taken over.
		`CREATE TABLE moved_bots (
			source_id INTEGER NOT NULL REFERENCES moved_sources(id) ON DELETE CASCADE,
			city INTEGER NOT NULL,
			network TEXT NOT NULL,
			old INTEGER NOT NULL,
			bot_id INTEGER REFERENCES bots(id) ON DELETE SET NULL,
			last INTEGER NOT NULL DEFAULT 0,
			PRIMARY KEY (source_id, city, network, old)) WITHOUT ROWID`,
		`CREATE INDEX moved_bots_bot ON moved_bots(bot_id)`,
		// Names that are no slugs and lead to a city, in lower case: as it was typed, and the
		// local parts of its old addresses.
		`CREATE TABLE former_names (
			name TEXT PRIMARY KEY,
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE) WITHOUT ROWID`,
		`CREATE INDEX former_names_city ON former_names(city_id)`,
		// What moderators have to know of a move, until one of them has read it.
		`CREATE TABLE moved_notes (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			key TEXT NOT NULL,
			args TEXT NOT NULL,
			created INTEGER NOT NULL)`,
		`CREATE INDEX moved_notes_city ON moved_notes(city_id)`,
	)}
}
