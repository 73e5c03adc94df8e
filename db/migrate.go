package db

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/internal/secret"
)

// Migrate brings the tables of this package and of the networks (name → list)
// up to date, with the box that seals what they hold. Each list has its own record in
// <name>_migrations. A file with migrations that this program does not know was
// written by a newer version and is refused. On a server a newer version may work beside
// this one, unless it says otherwise: see Alone. Processes that start at once take turns.
func (d *DB) Migrate(ctx context.Context, box *secret.Box, networks map[string][]*gormigrate.Migration) error {
	d.UseKey(box)
	if d.OnServer() {
		unlock, err := d.lockMigrations(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		d.known = make(map[string][]*gormigrate.Migration)
	}
	if err := d.migrateCore(ctx, box); err != nil {
		return err
	}
	if err := d.beginSequences(ctx); err != nil {
		return err
	}
	for name, list := range networks {
		if err := d.migrate(ctx, name, list); err != nil {
			return err
		}
	}
	return nil
}

// migrationsLock is the number of the server's lock that whoever migrates has.
const migrationsLock = 0x7469636b6574 // "ticket"

// lockMigrations waits until no other process migrates. The lock is one of a transaction,
// which works through a pooler too, and goes with its connection.
func (d *DB) lockMigrations(ctx context.Context) (unlock func(), err error) {
	tx := d.write.WithContext(ctx).Begin()
	err = tx.Error
	if err == nil {
		err = tx.Exec("SELECT pg_advisory_xact_lock(?)", int64(migrationsLock)).Error
	}
	if err != nil {
		tx.Rollback()
		return nil, fmt.Errorf("migrate: wait for other processes: %w", err)
	}
	return func() { tx.Rollback() }, nil
}

// beginSequences has ids go on after those that there are. Where the file is damaged
// there they are looked for again when the first is needed: the rest of the program
// works, and says what to do.
func (d *DB) beginSequences(ctx context.Context) error {
	tx := d.write.WithContext(ctx)
	for _, s := range []*sequence{&d.seqs, &d.fanoutIDs} {
		err := s.begin(tx)
		if d.damage.noticed(err); err != nil && !isDamage(err) {
			return err
		}
	}
	return nil
}

// migrateCore brings the tables of this package up to date. In a file, foreign keys are
// off meanwhile, because replacing a table would delete the rows that refer to
// it. They cannot be switched within a transaction.
func (d *DB) migrateCore(ctx context.Context, box *secret.Box) (err error) {
	list := slices.Concat(migrations, keyed(box))
	if d.OnServer() {
		return d.migrate(ctx, "core", list)
	}
	pragma := func(on string) error { return d.write.WithContext(ctx).Exec("PRAGMA foreign_keys = " + on).Error }
	if err := pragma("OFF"); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer func() { err = errors.Join(err, pragma("ON")) }()
	return d.migrate(ctx, "core", list)
}

func (d *DB) migrate(ctx context.Context, name string, list []*gormigrate.Migration) error {
	if len(list) == 0 {
		return nil
	}
	if d.OnServer() {
		if err := d.mayWork(ctx, name, list); err != nil {
			return err
		}
		d.known[name] = list
	}
	options := *gormigrate.DefaultOptions
	options.TableName = name + "_migrations"
	options.UseTransaction = true
	options.ValidateUnknownMigrations = !d.OnServer()
	err := gormigrate.New(d.write.WithContext(ctx), &options, list).Migrate()
	if errors.Is(err, gormigrate.ErrUnknownPastMigration) {
		return newerVersion(name)
	}
	if err != nil {
		return fmt.Errorf("migrate tables of %s: %w%s", name, err, d.whatToMend(err))
	}
	return nil
}

// SQL returns a migration step that runs the statements in order.
func SQL(statements ...string) func(*gorm.DB) error {
	return func(tx *gorm.DB) error {
		for _, s := range statements {
			if byServer(tx) {
				if s = serverSchema(s); s == "" {
					continue
				}
			}
			if err := tx.Exec(s).Error; err != nil {
				return err
			}
		}
		return nil
	}
}

// either returns the step that is another one in a file than on a server.
func either(file, server func(*gorm.DB) error) func(*gorm.DB) error {
	return func(tx *gorm.DB) error {
		if byServer(tx) {
			return server(tx)
		}
		return file(tx)
	}
}

// migrations is the numbered list of this package. Add to its end; never change
// what was released.
var migrations = []*gormigrate.Migration{
	{ID: "core_0001", Migrate: SQL(
		`CREATE TABLE cities (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			slug TEXT NOT NULL UNIQUE,
			name TEXT NOT NULL,
			language TEXT NOT NULL,
			triggers TEXT NOT NULL,
			blocked TEXT NOT NULL,
			page TEXT NOT NULL,
			created INTEGER NOT NULL)`,
		`CREATE TABLE moderators (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			email TEXT NOT NULL UNIQUE,
			password TEXT NOT NULL,
			created INTEGER NOT NULL)`,
		`CREATE TABLE city_moderators (
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			moderator_id INTEGER NOT NULL REFERENCES moderators(id) ON DELETE CASCADE,
			PRIMARY KEY (city_id, moderator_id))`,
		`CREATE INDEX city_moderators_moderator ON city_moderators(moderator_id)`,
		`CREATE TABLE registrations (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			email TEXT NOT NULL,
			password TEXT NOT NULL,
			city_name TEXT NOT NULL,
			slug TEXT NOT NULL,
			language TEXT NOT NULL,
			created INTEGER NOT NULL)`,
		`CREATE TABLE invitations (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			email TEXT NOT NULL,
			created INTEGER NOT NULL,
			UNIQUE (city_id, email))`,
		`CREATE TABLE sessions (
			token TEXT PRIMARY KEY,
			data BLOB NOT NULL,
			expires INTEGER NOT NULL)`,
		`CREATE INDEX sessions_expires ON sessions(expires)`,
		`CREATE TABLE bots (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			network TEXT NOT NULL,
			enabled INTEGER NOT NULL,
			state TEXT NOT NULL,
			last_error TEXT NOT NULL DEFAULT '',
			error_at INTEGER NOT NULL DEFAULT 0,
			restarts INTEGER NOT NULL DEFAULT 0,
			updated INTEGER NOT NULL,
			UNIQUE (city_id, network))`,
		`CREATE INDEX bots_updated ON bots(updated)`,
		`CREATE TABLE bot_log (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
			at INTEGER NOT NULL,
			level TEXT NOT NULL,
			text TEXT NOT NULL)`,
		`CREATE INDEX bot_log_bot ON bot_log(bot_id, id)`,
		`CREATE TABLE reports (
			id TEXT PRIMARY KEY,
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			bot_id INTEGER NOT NULL,
			network TEXT NOT NULL,
			network_id TEXT NOT NULL,
			author TEXT NOT NULL,
			text TEXT NOT NULL,
			normalized TEXT NOT NULL,
			visibility TEXT NOT NULL,
			time INTEGER NOT NULL,
			received INTEGER NOT NULL,
			passed INTEGER NOT NULL,
			reason TEXT NOT NULL,
			detail TEXT NOT NULL,
			fanned_out INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
		`CREATE INDEX reports_city ON reports(city_id, passed, time)`,
		`CREATE INDEX reports_author ON reports(city_id, author, passed, time)`,
		`CREATE INDEX reports_received ON reports(received)`,
		`CREATE TABLE deliveries (
			id TEXT PRIMARY KEY,
			report_id TEXT NOT NULL,
			bot_id INTEGER NOT NULL,
			result TEXT NOT NULL,
			remote_id TEXT NOT NULL,
			url TEXT NOT NULL,
			error TEXT NOT NULL,
			at INTEGER NOT NULL) WITHOUT ROWID`,
		`CREATE INDEX deliveries_report ON deliveries(report_id)`,
		`CREATE INDEX deliveries_at ON deliveries(at)`,
		`CREATE TABLE mutes (
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			author TEXT NOT NULL,
			created INTEGER NOT NULL,
			PRIMARY KEY (city_id, author)) WITHOUT ROWID`,
	)},
	// A city may have several bots of one network. Ids are never used again,
	// not even those of deleted bots.
	{ID: "core_0002", Migrate: either(SQL(
		`CREATE TABLE bots_0002 (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			network TEXT NOT NULL,
			enabled INTEGER NOT NULL,
			state TEXT NOT NULL,
			last_error TEXT NOT NULL DEFAULT '',
			error_at INTEGER NOT NULL DEFAULT 0,
			restarts INTEGER NOT NULL DEFAULT 0,
			updated INTEGER NOT NULL)`,
		`INSERT INTO bots_0002 SELECT id, city_id, network, enabled, state, last_error, error_at, restarts, updated FROM bots`,
		`DELETE FROM sqlite_sequence WHERE name = 'bots_0002'`,
		`INSERT INTO sqlite_sequence (name, seq) SELECT 'bots_0002', seq FROM sqlite_sequence WHERE name = 'bots'`,
		`DROP TABLE bots`,
		`ALTER TABLE bots_0002 RENAME TO bots`,
		`CREATE INDEX bots_updated ON bots(updated)`,
		`CREATE INDEX bots_city ON bots(city_id, network)`,
	), SQL(
		`ALTER TABLE bots DROP CONSTRAINT bots_city_id_network_key`,
		`CREATE INDEX bots_city ON bots(city_id, network)`,
	))},
	// The queue is the database: a report is stored when it is heard, and what is
	// still to be sent of it stands beside it. Reports do not refer to their city
	// by a foreign key, which would have all of them be read when a city is deleted:
	// no index has every report of a city, because one more would be dear for each
	// report.
	{ID: "core_0003", Migrate: SQL(
		`CREATE TABLE reports_0003 (
			seq INTEGER PRIMARY KEY,
			id TEXT NOT NULL UNIQUE,
			city_id INTEGER NOT NULL,
			bot_id INTEGER NOT NULL,
			network TEXT NOT NULL,
			network_id TEXT NOT NULL,
			author TEXT NOT NULL,
			text TEXT NOT NULL,
			normalized TEXT NOT NULL DEFAULT '',
			visibility TEXT NOT NULL,
			time INTEGER NOT NULL,
			received INTEGER NOT NULL,
			state TEXT NOT NULL,
			passed INTEGER NOT NULL DEFAULT FALSE,
			reason TEXT NOT NULL DEFAULT '',
			detail TEXT NOT NULL DEFAULT '')`,
		// What passed and was sent to nobody is judged again.
		`INSERT INTO reports_0003 (id, city_id, bot_id, network, network_id, author, text, normalized, visibility,
				time, received, state, passed, reason, detail)
			SELECT id, city_id, bot_id, network, network_id, author, text, normalized, visibility, time, received,
				CASE WHEN lost THEN 'heard' ELSE 'judged' END, passed AND NOT lost, CASE WHEN lost THEN '' ELSE reason END, detail
			FROM (SELECT *, passed AND NOT fanned_out AND NOT EXISTS
				(SELECT 1 FROM deliveries WHERE report_id = reports.id) AS lost FROM reports) AS former
			ORDER BY received, id`,
		`DROP TABLE reports`,
		`ALTER TABLE reports_0003 RENAME TO reports`,
		`CREATE INDEX reports_heard ON reports(seq, city_id) WHERE state = 'heard'`,
		`CREATE INDEX reports_city ON reports(city_id, passed, time) WHERE state = 'judged'`,
		`CREATE INDEX reports_author ON reports(city_id, author, time) WHERE passed = TRUE`,
		`CREATE INDEX reports_received ON reports(received)`,
		`CREATE TABLE fanouts (
			id INTEGER PRIMARY KEY,
			report INTEGER NOT NULL,
			bot_id INTEGER NOT NULL,
			kind TEXT NOT NULL,
			recipients BLOB NOT NULL,
			open INTEGER NOT NULL,
			attempts INTEGER NOT NULL DEFAULT 0,
			due INTEGER NOT NULL DEFAULT 0,
			created INTEGER NOT NULL)`,
		`CREATE INDEX fanouts_bot ON fanouts(bot_id, report, due)`,
		`CREATE INDEX fanouts_report ON fanouts(report)`,
		`CREATE TABLE outcomes (
			report INTEGER NOT NULL,
			bot_id INTEGER NOT NULL,
			sent INTEGER NOT NULL DEFAULT 0,
			failed INTEGER NOT NULL DEFAULT 0,
			expired INTEGER NOT NULL DEFAULT 0,
			retracted INTEGER NOT NULL DEFAULT 0,
			PRIMARY KEY (report, bot_id)) WITHOUT ROWID`,
		`INSERT INTO outcomes (report, bot_id, sent, failed, expired, retracted)
			SELECT seq, deliveries.bot_id, count(*) FILTER (WHERE result = 'sent'), count(*) FILTER (WHERE result = 'failed'),
				count(*) FILTER (WHERE result = 'expired'), count(*) FILTER (WHERE result = 'retracted')
			FROM deliveries JOIN reports ON reports.id = report_id GROUP BY seq, deliveries.bot_id`,
		`CREATE TABLE receipts (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			report INTEGER NOT NULL,
			bot_id INTEGER NOT NULL,
			recipient INTEGER NOT NULL,
			remote_id TEXT NOT NULL,
			url TEXT NOT NULL)`,
		`CREATE INDEX receipts_report ON receipts(report)`,
		`INSERT INTO receipts (report, bot_id, recipient, remote_id, url)
			SELECT seq, deliveries.bot_id, 0, remote_id, url
			FROM deliveries JOIN reports ON reports.id = report_id WHERE result = 'sent' AND remote_id <> ''`,
		`DROP TABLE deliveries`,
		`CREATE TABLE mails (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			mail TEXT NOT NULL,
			attempts INTEGER NOT NULL DEFAULT 0,
			due INTEGER NOT NULL DEFAULT 0,
			created INTEGER NOT NULL)`,
		`CREATE INDEX mails_due ON mails(due)`,
	)},
	// Whoever has a login logs in once more: the sessions of before belong to none.
	// What was typed as a password by somebody whose address was not confirmed is
	// worth nothing.
	{ID: "core_0004", Migrate: SQL(
		`ALTER TABLE registrations DROP COLUMN password`,
		`DELETE FROM sessions`,
		`CREATE TABLE logins (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			moderator_id INTEGER NOT NULL REFERENCES moderators(id) ON DELETE CASCADE,
			browser TEXT NOT NULL,
			made INTEGER NOT NULL,
			used INTEGER NOT NULL)`,
		`CREATE INDEX logins_moderator ON logins(moderator_id)`,
		`CREATE INDEX logins_used ON logins(used)`,
		`CREATE TABLE limits (key TEXT NOT NULL, expires INTEGER NOT NULL)`,
		`CREATE INDEX limits_key ON limits(key, expires)`,
		`CREATE INDEX limits_expires ON limits(expires)`,
		`CREATE TABLE former_cities (slug TEXT PRIMARY KEY, deleted INTEGER NOT NULL) WITHOUT ROWID`,
		`CREATE TABLE secret_key (fingerprint TEXT NOT NULL)`,
	)},
	// What the program makes for itself: certificates and their keys.
	{ID: "core_0005", Migrate: SQL(
		`CREATE TABLE secrets (
			name TEXT PRIMARY KEY,
			value TEXT NOT NULL,
			modified INTEGER NOT NULL) WITHOUT ROWID`,
	)},
	// Other servers' words, which may name somebody, were kept here before.
	{ID: "core_0006", Migrate: SQL(
		`DELETE FROM bot_log`,
		`UPDATE bots SET last_error = '', error_at = 0`,
	)},
}
