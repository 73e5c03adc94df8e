package db

import (
	"fmt"
	"strings"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// keyed is the rest of the list of migrations, from the first that needs the secret
// key.
func keyed(box *secret.Box) []*gormigrate.Migration {
	return []*gormigrate.Migration{
		// Nothing names who wrote without the key.
		{ID: "core_0007", Migrate: func(tx *gorm.DB) error {
			columns := SQL(
				`ALTER TABLE reports ADD COLUMN left_out TEXT NOT NULL DEFAULT ''`,
				`ALTER TABLE reports ADD COLUMN unverified INTEGER NOT NULL DEFAULT FALSE`,
				`ALTER TABLE reports ADD COLUMN client TEXT NOT NULL DEFAULT ''`,
				`ALTER TABLE reports ADD COLUMN domain TEXT NOT NULL DEFAULT ''`,
			)
			for _, step := range []func(*gorm.DB) error{columns, (&keying{box}).reports, (&keying{box}).mutes} {
				if err := step(tx); err != nil {
					return err
				}
			}
			return nil
		}},
		// Brakes for reports that nobody vouches for; reports that wait for a moderator;
		// cities that take none.
		{ID: "core_0008", Migrate: SQL(
			// Only what a brake counts is in this index: reports of which few pass.
			`ALTER TABLE reports ADD COLUMN counted INTEGER NOT NULL DEFAULT FALSE`,
			`CREATE INDEX reports_origin ON reports(received) WHERE counted = TRUE`,
			`CREATE INDEX reports_counted ON reports(city_id, received, client, domain) WHERE counted = TRUE`,
			`CREATE INDEX reports_held ON reports(city_id, reason, received) WHERE state = 'held'`,
			`CREATE INDEX reports_refused ON reports(city_id, seq, state, passed, reason) WHERE state = 'judged' AND passed = FALSE AND reason <> 'taken_back'`,
			`ALTER TABLE cities ADD COLUMN paused INTEGER NOT NULL DEFAULT 0`,
			`ALTER TABLE cities ADD COLUMN held_told INTEGER NOT NULL DEFAULT 0`,
			`CREATE INDEX cities_paused ON cities(paused) WHERE paused > 0`,
		)},
		// How those who write are answered.
		{ID: "core_0009", Migrate: SQL(
			`ALTER TABLE cities ADD COLUMN questions INTEGER NOT NULL DEFAULT 1`,
			`ALTER TABLE cities ADD COLUMN replies INTEGER NOT NULL DEFAULT 1`,
			`ALTER TABLE bots ADD COLUMN answers TEXT NOT NULL DEFAULT ''`,
		)},
		// Lines and stops, and what is read of them; the time of a city, its poster and
		// whether search engines show it.
		{ID: "core_0010", Migrate: SQL(
			`DROP INDEX reports_counted`, // what the brakes count is counted by network
			`CREATE INDEX reports_counted ON reports(city_id, received, network, client, domain) WHERE counted = TRUE`,
			`ALTER TABLE reports ADD COLUMN reading TEXT NOT NULL DEFAULT ''`,
			`ALTER TABLE cities ADD COLUMN zone TEXT NOT NULL DEFAULT ''`,
			`ALTER TABLE registrations ADD COLUMN zone TEXT NOT NULL DEFAULT ''`,
			`ALTER TABLE cities ADD COLUMN poster TEXT NOT NULL DEFAULT ''`,
			`ALTER TABLE cities ADD COLUMN no_index INTEGER NOT NULL DEFAULT 0`,
			// Texts are long: when they were stored is found without reading them.
			`CREATE TABLE places (
				city_id INTEGER PRIMARY KEY REFERENCES cities(id) ON DELETE CASCADE,
				updated INTEGER NOT NULL,
				text TEXT NOT NULL)`,
			`CREATE INDEX places_updated ON places(updated)`,
		)},
		outside(),
		forServers(),
		numbered(),
		forShards(),
		forLocks(),
		forSpreading(),
		forCalls(),
		forPostmaster(),
		forTaskAnswers(),
		forTheDesk(),
		forTheOverview(),
		forThoseWhoMove(),
	}
}

// outside makes what outside programs, scripts and the API need: the programs that look at a
// city's reports and what they said, keys of the API and what their requests were answered,
// and what programs and scripts store.
func outside() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0011", Migrate: SQL(
		`ALTER TABLE cities ADD COLUMN tasks TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE reports ADD COLUMN results TEXT NOT NULL DEFAULT ''`,
		`CREATE TABLE api_keys (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			city_id INTEGER REFERENCES cities(id) ON DELETE CASCADE,
			name TEXT NOT NULL,
			hash TEXT NOT NULL UNIQUE,
			rights TEXT NOT NULL,
			created INTEGER NOT NULL,
			used INTEGER NOT NULL DEFAULT 0,
			expires INTEGER NOT NULL DEFAULT 0)`,
		`CREATE INDEX api_keys_city ON api_keys(city_id)`,
		`CREATE TABLE api_answers (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			key_id INTEGER NOT NULL REFERENCES api_keys(id) ON DELETE CASCADE,
			request TEXT NOT NULL,
			body TEXT NOT NULL,
			answer TEXT NOT NULL,
			created INTEGER NOT NULL,
			UNIQUE (key_id, request))`,
		`CREATE INDEX api_answers_created ON api_answers(created)`,
		`CREATE TABLE store (
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			owner TEXT NOT NULL,
			key TEXT NOT NULL,
			value TEXT NOT NULL,
			revision INTEGER NOT NULL,
			PRIMARY KEY (city_id, owner, key)) WITHOUT ROWID`,
	)}
}

// forServers makes what a database on a server needs: where ids come from, which
// transactions of a process were committed (see serverWriter), and which migrations a
// program must know to work on it (see Alone).
func forServers() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0012", Migrate: either(SQL(), SQL(
		`CREATE SEQUENCE reports_seq`,
		fmt.Sprintf(`CREATE SEQUENCE fanouts_id INCREMENT BY %d`, fanoutBlock),
		`CREATE TABLE writers (id TEXT PRIMARY KEY, n BIGINT NOT NULL, at BIGINT NOT NULL) WITH (fillfactor = 20)`,
		`CREATE TABLE needed_migrations (list TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (list, id))`,
	))}
}

// forShards makes what a server knows of the processes that share the cities (see lease), and
// of the key of the day (see DayKey), which is in no log and no copy of the server.
func forShards() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0015", Migrate: either(SQL(), SQL(
		`CREATE TABLE processes (id TEXT PRIMARY KEY, name TEXT NOT NULL, until BIGINT NOT NULL) WITH (fillfactor = 20)`,
		`CREATE TABLE shards (n INTEGER PRIMARY KEY, owner TEXT NOT NULL DEFAULT '', epoch BIGINT NOT NULL DEFAULT 0) WITH (fillfactor = 50)`,
		fmt.Sprintf(`INSERT INTO shards (n) SELECT generate_series(0, %d)`, Shards-1),
		`CREATE UNLOGGED TABLE day_keys (day TEXT PRIMARY KEY, value TEXT NOT NULL)`,
	))}
}

// numbered makes the numbers of changes, by which processes find what others have changed;
// and versions, by which they see that a bot, or lines and stops, are others than before.
// A city that was deleted keeps its row: others may not know yet.
func numbered() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0013", Migrate: SQL(
		`CREATE TABLE changes (
			city_id INTEGER PRIMARY KEY,
			n INTEGER NOT NULL,
			process INTEGER NOT NULL)`,
		`CREATE INDEX changes_n ON changes(n)`,
		`ALTER TABLE bots ADD COLUMN version INTEGER NOT NULL DEFAULT 0`,
		`DROP INDEX bots_updated`,
		`ALTER TABLE places ADD COLUMN version INTEGER NOT NULL DEFAULT 0`,
		`DROP INDEX places_updated`,
	)}
}

// forLocks makes the locks of processes that share a server: see HoldLock.
func forLocks() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0016", Migrate: either(SQL(), SQL(
		`CREATE TABLE locks (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL)`,
	))}
}

// forSpreading makes what is needed for several processes to send one report: see spare.go.
func forSpreading() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0017", Migrate: either(SQL(), SQL(
		`ALTER TABLE fanouts ADD COLUMN holder TEXT`,
		`CREATE INDEX fanouts_spare ON fanouts(bot_id, holder) WHERE holder IS NOT NULL`,
	))}
}

// forCalls makes the calls of bots that another process runs: see Call.
func forCalls() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0018", Migrate: either(SQL(), SQL(
		`CREATE TABLE calls (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
			body TEXT NOT NULL,
			answer TEXT NOT NULL DEFAULT '',
			created INTEGER NOT NULL)`,
		`CREATE INDEX calls_bot ON calls(bot_id, id)`,
		`CREATE INDEX calls_created ON calls(created)`,
	))}
}

// forPostmaster makes the mails to the operator: see Postmaster. Mails are long: how much there
// is is counted without reading them.
func forPostmaster() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0019", Migrate: SQL(
		`CREATE TABLE postmaster (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			at INTEGER NOT NULL,
			size INTEGER NOT NULL,
			mail TEXT NOT NULL)`,
	)}
}

// forTaskAnswers makes what outside programs say to those who wrote at another process: see
// TaskAnswer.
func forTaskAnswers() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0020", Migrate: either(SQL(), SQL(
		`CREATE TABLE task_answers (
			report INTEGER PRIMARY KEY REFERENCES reports(seq) ON DELETE CASCADE,
			answer TEXT NOT NULL,
			created INTEGER NOT NULL)`,
	))}
}

// forTheDesk makes what moderators and operators decide: what a moderator may do, what was
// done, cities that are off or were renamed, and who waits for approval. Whoever was a
// moderator before could do everything: they are owners.
func forTheDesk() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0021", Migrate: inTurn(slashesOfWords, SQL(
		`ALTER TABLE cities ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0`,
		`ALTER TABLE cities ADD COLUMN suspended_for TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE cities ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0`,
		`ALTER TABLE cities ADD COLUMN waiting INTEGER NOT NULL DEFAULT FALSE`,
		`ALTER TABLE cities ADD COLUMN approval TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE cities ADD COLUMN no_links INTEGER NOT NULL DEFAULT FALSE`,
		`ALTER TABLE cities ADD COLUMN short INTEGER NOT NULL DEFAULT FALSE`,
		`ALTER TABLE cities ADD COLUMN no_contact INTEGER NOT NULL DEFAULT FALSE`,
		`ALTER TABLE cities ADD COLUMN answers TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE cities ADD COLUMN defaults TEXT NOT NULL DEFAULT ''`,
		`CREATE INDEX cities_deleted ON cities(deleted) WHERE deleted > 0`,
		// Ids of moderators that may be gone by now, 0 where they are not known: what they
		// have made ends with their rights.
		`ALTER TABLE city_moderators ADD COLUMN role TEXT NOT NULL DEFAULT 'owner'`,
		`ALTER TABLE city_moderators ADD COLUMN since INTEGER NOT NULL DEFAULT 0`,
		`ALTER TABLE invitations ADD COLUMN role TEXT NOT NULL DEFAULT 'moderator'`,
		`ALTER TABLE invitations ADD COLUMN made_by INTEGER NOT NULL DEFAULT 0`,
		`ALTER TABLE api_keys ADD COLUMN made_by INTEGER NOT NULL DEFAULT 0`,
		// Names that a city had, and further ones that it has.
		`CREATE TABLE city_aliases (
			slug TEXT PRIMARY KEY,
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			created INTEGER NOT NULL) WITHOUT ROWID`,
		`CREATE INDEX city_aliases_city ON city_aliases(city_id)`,
		// Who of the moderators did what. Of the server as a whole: without a city.
		`CREATE TABLE acts (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			city_id INTEGER REFERENCES cities(id) ON DELETE CASCADE,
			at INTEGER NOT NULL,
			who TEXT NOT NULL,
			act TEXT NOT NULL,
			subject TEXT NOT NULL)`,
		`CREATE INDEX acts_city ON acts(city_id, id)`,
		`CREATE INDEX acts_at ON acts(at)`,
		`CREATE TABLE operators (
			moderator_id INTEGER PRIMARY KEY REFERENCES moderators(id) ON DELETE CASCADE,
			created INTEGER NOT NULL)`,
		`CREATE TABLE passkeys (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			moderator_id INTEGER NOT NULL REFERENCES moderators(id) ON DELETE CASCADE,
			credential_id TEXT NOT NULL UNIQUE,
			name TEXT NOT NULL,
			credential TEXT NOT NULL,
			created INTEGER NOT NULL,
			used INTEGER NOT NULL DEFAULT 0)`,
		`CREATE INDEX passkeys_moderator ON passkeys(moderator_id)`,
	))}
}

// forTheOverview makes what pages show and take back: how bots and processes are doing, the
// first steps of a city, and what can be undone for a moment.
func forTheOverview() *gormigrate.Migration {
	return &gormigrate.Migration{ID: "core_0022", Migrate: SQL(
		// Since when a bot is as it is.
		`ALTER TABLE bots ADD COLUMN since INTEGER NOT NULL DEFAULT 0`,
		// Which of its first steps a city has done. Those that are there know them.
		`ALTER TABLE cities ADD COLUMN steps TEXT NOT NULL DEFAULT ''`,
		`UPDATE cities SET steps = 'over'`,
		// What stood there before a moderator did something that can be undone for a moment.
		`CREATE TABLE undos (
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			act TEXT NOT NULL,
			subject TEXT NOT NULL,
			before TEXT NOT NULL,
			until INTEGER NOT NULL,
			PRIMARY KEY (city_id, act, subject)) WITHOUT ROWID`,
		`CREATE INDEX undos_until ON undos(until)`,
		// Words that moderators do not want to be suggested.
		`CREATE TABLE unwanted_words (
			city_id INTEGER NOT NULL REFERENCES cities(id) ON DELETE CASCADE,
			word TEXT NOT NULL,
			PRIMARY KEY (city_id, word)) WITHOUT ROWID`,
		// How the processes of the server are doing: see Vital.
		`CREATE TABLE vitals (
			name TEXT NOT NULL,
			process TEXT NOT NULL,
			value TEXT NOT NULL,
			at INTEGER NOT NULL,
			PRIMARY KEY (name, process)) WITHOUT ROWID`,
	)}
}

// inTurn does one after the other.
func inTurn(steps ...func(*gorm.DB) error) func(*gorm.DB) error {
	return func(tx *gorm.DB) error {
		for _, step := range steps {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	}
}

// slashesOfWords has blocked words go on to be words that stand between two "/": from now on
// what stands so is a pattern.
func slashesOfWords(tx *gorm.DB) error {
	var rows []struct {
		ID      int64
		Blocked string
	}
	if err := tx.Raw("SELECT id, blocked FROM cities WHERE instr(blocked, '/') > 0").Scan(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		lines := strings.Split(row.Blocked, "\n")
		for i, line := range lines {
			if word := strings.TrimSpace(line); len(word) > 2 && word[0] == '/' && word[len(word)-1] == '/' {
				lines[i] = strings.Trim(word, "/ ")
			}
		}
		if _, err := Exec(tx, "UPDATE cities SET blocked = ? WHERE id = ?", strings.Join(lines, "\n"), row.ID); err != nil {
			return err
		}
	}
	return nil
}

// keying is the upgrade of tables whose hashes anybody could try out: it puts hashes
// that need the secret key in their place.
type keying struct{ box *secret.Box }

// atOnce is how many reports are read into memory at the same time.
const atOnce = 1000

func (k *keying) reports(tx *gorm.DB) error {
	for last := int64(0); ; {
		var rows []reportRow
		err := tx.Raw("SELECT seq, id, city_id, bot_id, network, network_id, author, visibility FROM reports WHERE seq > ? ORDER BY seq LIMIT ?", last, atOnce).
			Scan(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			if err := k.report(tx, r); err != nil {
				return err
			}
		}
		last = rows[len(rows)-1].Seq
	}
}

// report gives a report its keyed id and author, so that the same message is still
// the same report. The network's own id is kept where it may be boosted.
func (k *keying) report(tx *gorm.DB, r reportRow) error {
	id, author, kept := k.box.ReportID(r.Network, r.BotID, r.NetworkID), "", ""
	if r.Author != "" {
		author = k.box.AuthorOf(r.CityID, r.Author)
	}
	if r.Visibility == string(report.Public) {
		kept = k.box.Seal(report.MessagePlace(id), r.NetworkID)
	}
	_, err := Exec(tx, "UPDATE reports SET id = ?, author = ?, network_id = ? WHERE seq = ?", id, author, kept, r.Seq)
	return err
}

// mutes go on for both whom a name stands for now: its owner, if that is proven, and
// whoever else may have written under it.
func (k *keying) mutes(tx *gorm.DB) error {
	var rows []struct {
		CityID  int64
		Author  string
		Created int64
	}
	if err := tx.Raw("SELECT city_id, author, created FROM mutes").Scan(&rows).Error; err != nil {
		return err
	}
	for _, m := range rows {
		author := k.box.AuthorOf(m.CityID, m.Author)
		if _, err := Exec(tx, "UPDATE mutes SET author = ? WHERE city_id = ? AND author = ?", author, m.CityID, m.Author); err != nil {
			return err
		}
		if _, err := Exec(tx, "INSERT INTO mutes (city_id, author, created) VALUES (?, ?, ?)", m.CityID, k.box.Unverified(author), m.Created); err != nil {
			return err
		}
	}
	return nil
}
