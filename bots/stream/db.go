package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/secret"
)

// migrations is the numbered list of this network. Add to its end; never change what was
// released.
func migrations(*secret.Box) []*gormigrate.Migration {
	return []*gormigrate.Migration{{ID: "stream_0001", Migrate: db.SQL(
		`CREATE TABLE stream_streams (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
			name TEXT NOT NULL,
			target TEXT NOT NULL DEFAULT '',
			secret TEXT NOT NULL DEFAULT '',
			former TEXT NOT NULL DEFAULT '',
			rotated INTEGER NOT NULL DEFAULT 0,
			include TEXT NOT NULL DEFAULT '{}',
			exclude TEXT NOT NULL DEFAULT '{}',
			"when" TEXT NOT NULL DEFAULT '',
			look TEXT NOT NULL DEFAULT '',
			events TEXT NOT NULL DEFAULT '',
			mention TEXT NOT NULL DEFAULT '',
			mention_every INTEGER NOT NULL DEFAULT 0,
			mentioned INTEGER NOT NULL DEFAULT 0,
			running BOOLEAN NOT NULL DEFAULT FALSE,
			paused INTEGER NOT NULL DEFAULT 0,
			status INTEGER NOT NULL DEFAULT 0,
			sent INTEGER NOT NULL DEFAULT 0,
			revision INTEGER NOT NULL,
			UNIQUE (bot_id, name))`,
	)}, {ID: "stream_0002", Migrate: db.SQL(triggerTables...)}, {ID: "stream_0003", Migrate: db.SQL(
		// That the moderators know that it has stopped.
		`ALTER TABLE stream_streams ADD COLUMN told BOOLEAN NOT NULL DEFAULT FALSE`,
		`ALTER TABLE stream_triggers ADD COLUMN told BOOLEAN NOT NULL DEFAULT FALSE`,
	)}, {ID: "stream_0004", Migrate: db.SQL(
		// What the sender of the last post was told, wherever it came.
		`ALTER TABLE stream_triggers ADD COLUMN said TEXT NOT NULL DEFAULT ''`,
	)}}
}

// row is a stream as it is stored.
type row struct {
	ID           int64
	BotID        int64
	Name         string
	Target       string // sealed
	Secret       string // sealed; empty where the target takes no signatures
	Former       string // the secret before that, sealed
	Rotated      int64  // when it was replaced
	Include      string // JSON
	Exclude      string
	When         string
	Look         string
	Events       string // with spaces between them
	Mention      string
	MentionEvery int
	Mentioned    int64
	Running      bool
	Paused       int // why it has stopped by itself: the status of an answer, or badFilter; 0: it has not
	Status       int // of the last answer; 0: none came
	Sent         int64
	Revision     int64
}

func (row) TableName() string { return "stream_streams" }

// badFilter is the reason of a stream whose filter does not hold any more, as a line that
// it names is gone.
const badFilter = -1

// place is where a column of a stream is stored, which sealing binds it to.
func (r row) place(column string) string {
	return "stream_streams." + column + ":" + strconv.FormatInt(r.ID, 10)
}

func (n *Network) rows(ctx context.Context, botID int64) ([]row, error) {
	var rows []row
	if err := n.host.DB.Read(ctx).Where("bot_id = ?", botID).Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	return rows, nil
}

func (r row) revision() int64 { return r.Revision }

// unseal opens what is sealed at a place; "" where there is nothing.
func (n *Network) unseal(place, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	text, err := n.host.Secrets.Open(place, sealed)
	if err != nil {
		err = fmt.Errorf("%w: %w", errSealed, err)
	}
	return text, err
}

// streamOf returns the row as a stream, with its target in full.
func (n *Network) streamOf(r row) (Stream, error) {
	s := Stream{Name: r.Name, When: r.When, Look: r.Look, Events: strings.Fields(r.Events), Mention: r.Mention, MentionEvery: r.MentionEvery,
		Running: r.Running, Revision: r.Revision}
	if r.Sent > 0 {
		s.Last = &Result{Time: time.UnixMilli(r.Sent).UTC(), Status: r.Status, OK: r.Status/100 == 2}
	}
	if r.Rotated > 0 {
		at := time.UnixMilli(r.Rotated).UTC()
		s.Rotated = &at
	}
	var err error
	if s.Target, err = n.unseal(r.place("target"), r.Target); err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(r.Include), &s.Include); err != nil {
		return s, fmt.Errorf("filter of stream %d: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(r.Exclude), &s.Exclude); err != nil {
		return s, fmt.Errorf("filter of stream %d: %w", r.ID, err)
	}
	return s, nil
}

// take puts the settings of a stream into the row, whose id is known.
func (n *Network) take(r *row, s Stream) error {
	include, err := json.Marshal(s.Include)
	if err != nil {
		return err
	}
	exclude, err := json.Marshal(s.Exclude)
	if err != nil {
		return err
	}
	r.Name, r.Include, r.Exclude, r.When, r.Look, r.Events = s.Name, string(include), string(exclude), s.When, s.Look, strings.Join(s.Events, " ")
	r.Mention, r.MentionEvery, r.Running = s.Mention, s.MentionEvery, s.Running
	r.Target = n.host.Secrets.Seal(r.place("target"), s.Target)
	return nil
}

// touch has the program make the bot again: what it listens to has changed.
func (n *Network) touch(tx *gorm.DB, botID int64) error {
	return n.host.DB.BotChanged(tx, botID)
}
