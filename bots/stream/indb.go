package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots/stream/feeds"
	"ticketfrei/bots/stream/inbound"
	"ticketfrei/db"
)

// triggerTables are the tables of what comes in.
var triggerTables = []string{
	`CREATE TABLE stream_triggers (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
		name TEXT NOT NULL,
		preset TEXT NOT NULL DEFAULT '',
		secret TEXT NOT NULL DEFAULT '',
		text TEXT NOT NULL DEFAULT '',
		ref TEXT NOT NULL DEFAULT '',
		"time" TEXT NOT NULL DEFAULT '',
		url TEXT NOT NULL DEFAULT '',
		words TEXT NOT NULL DEFAULT '',
		"when" TEXT NOT NULL DEFAULT '',
		every INTEGER NOT NULL DEFAULT 0,
		running BOOLEAN NOT NULL DEFAULT FALSE,
		revision INTEGER NOT NULL,
		etag TEXT NOT NULL DEFAULT '',
		modified TEXT NOT NULL DEFAULT '',
		begun BOOLEAN NOT NULL DEFAULT FALSE,
		read INTEGER NOT NULL DEFAULT 0,
		worked INTEGER NOT NULL DEFAULT 0,
		next INTEGER NOT NULL DEFAULT 0,
		failures INTEGER NOT NULL DEFAULT 0,
		trouble TEXT NOT NULL DEFAULT '',
		status INTEGER NOT NULL DEFAULT 0,
		UNIQUE (bot_id, name))`,
	`CREATE TABLE stream_seen (
		trigger_id INTEGER NOT NULL REFERENCES stream_triggers(id) ON DELETE CASCADE,
		item TEXT NOT NULL,
		at INTEGER NOT NULL,
		PRIMARY KEY (trigger_id, item)) WITHOUT ROWID`,
}

// triggerRow is a trigger as it is stored.
type triggerRow struct {
	ID       int64
	BotID    int64
	Name     string
	Preset   string
	Secret   string // sealed
	Text     string
	Ref      string // the expression of the id
	Time     string
	URL      string `gorm:"column:url"` // sealed
	Words    string // with line breaks between them
	When     string
	Every    int
	Running  bool
	Revision int64
	Said     string // why the last post was refused, sealed; empty: it was taken
	FeedState
}

// FeedState is what is known of a feed. It is no setting: it has no part in the revision.
type FeedState struct {
	ETag     string `gorm:"column:etag"`
	Modified string
	Begun    bool  // it was read once, so that what is new can be told
	Read     int64 // when it was read last; of another trigger: when the last post came
	Worked   int64 // when that was last done without trouble
	Next     int64 // when it is read again
	Failures int   // how often it could not be read, since it was
	Trouble  string
	Status   int // HTTP status, of some troubles
}

// stateColumns are those of FeedState.
var stateColumns = []string{"etag", "modified", "begun", "read", "worked", "next", "failures", "trouble", "status"}

func (triggerRow) TableName() string { return "stream_triggers" }

// place is where a column of a trigger is stored, which sealing binds it to.
func (r triggerRow) place(column string) string {
	return "stream_triggers." + column + ":" + strconv.FormatInt(r.ID, 10)
}

// paused tells that a feed has stopped by itself.
func (r triggerRow) paused() bool { return r.Trouble == string(feeds.Gone) }

func (r triggerRow) revision() int64 { return r.Revision }

// seal seals what a column of a trigger holds.
func (n *Network) seal(r *triggerRow, column, text string) string {
	if text == "" {
		return ""
	}
	return n.host.Secrets.Seal(r.place(column), text)
}

// triggerOf returns the row as a trigger, without its secret.
func (n *Network) triggerOf(r triggerRow) (Trigger, error) {
	url, err := n.unseal(r.place("url"), r.URL)
	t := Trigger{Name: r.Name, Preset: r.Preset, Text: r.Text, ID: r.Ref, Time: r.Time, URL: url, When: r.When, Every: r.Every, Running: r.Running, Revision: r.Revision}
	if r.Words != "" {
		t.Words = strings.Split(r.Words, "\n")
	}
	return t, err
}

// takeTrigger puts the settings of a trigger into the row, whose id is known; its secret
// stays as it is. A feed of another address begins again.
func (n *Network) takeTrigger(r *triggerRow, t Trigger) {
	before, err := n.unseal(r.place("url"), r.URL)
	if err != nil || before != t.URL {
		r.URL, r.FeedState = n.seal(r, "url", t.URL), FeedState{}
	}
	r.Name, r.Preset, r.Text, r.Ref, r.Time = t.Name, t.Preset, t.Text, t.ID, t.Time
	r.Words, r.When, r.Every, r.Running = strings.Join(t.Words, "\n"), t.When, t.Every, t.Running
}

// triggerRows are the triggers of a bot by name.
func (n *Network) triggerRows(ctx context.Context, botID int64) ([]triggerRow, error) {
	var rows []triggerRow
	if err := n.host.DB.Read(ctx).Where("bot_id = ?", botID).Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list triggers: %w", err)
	}
	return rows, nil
}

// findTrigger returns the row of a city's trigger.
func (n *Network) findTrigger(ctx context.Context, cityID int64, name string) (triggerRow, error) {
	r, err := db.Take[triggerRow](n.host.DB.Read(ctx).Where("name = ? AND bot_id IN (SELECT id FROM bots WHERE city_id = ? AND network = ?)", name, cityID, Name))
	if err != nil {
		return triggerRow{}, fmt.Errorf("trigger: %w", err)
	}
	return r, nil
}

// noteTaken notes what became of a post, for who looks at the trigger, at whatever process.
func (n *Network) noteTaken(ctx context.Context, r triggerRow, err error) {
	said := ""
	if e, ok := errors.AsType[*inbound.Refusal](err); ok {
		said = e.Text
	} else if err != nil {
		said = whyLater(err)
	}
	err = n.host.DB.WriteSoon(context.WithoutCancel(ctx), func(tx *gorm.DB) error {
		_, err := db.Exec(tx, "UPDATE stream_triggers SET read = ?, said = ? WHERE id = ?", n.host.Now().UnixMilli(), n.seal(&r, "said", said), r.ID)
		return err
	})
	if err != nil {
		n.host.Log.Warn("what became of a post to a way in could not be noted", "err", err)
	}
}

// lastPost is what became of the last post to a trigger; nil: there was none.
func (n *Network) lastPost(r triggerRow) *Taken {
	if r.Read == 0 {
		return nil
	}
	said, _ := n.unseal(r.place("said"), r.Said) // one that was sealed with another key has no words
	return &Taken{Time: time.UnixMilli(r.Read).UTC(), OK: r.Said == "", Text: said}
}

// maxSeen is how many items of a feed are remembered: more than it has at a time.
const maxSeen = 2 * feeds.MaxItems

// seen returns the items of a feed that were there before, and when each was first.
func (n *Network) seen(ctx context.Context, id int64) (map[string]int64, error) {
	var rows []struct {
		Item string
		At   int64
	}
	if err := n.host.DB.Read(ctx).Raw("SELECT item, at FROM stream_seen WHERE trigger_id = ?", id).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("items of a feed: %w", err)
	}
	known := make(map[string]int64, len(rows))
	for _, r := range rows {
		known[r.Item] = r.At
	}
	return known, nil
}

// remember notes what became of reading a feed: its new items, and those to be forgotten.
// The feed may be another one meanwhile, or gone: then nothing is noted.
func (n *Network) remember(ctx context.Context, r triggerRow, add, forget []string, now time.Time) error {
	err := n.host.DB.WriteSoon(ctx, func(tx *gorm.DB) error {
		result := tx.Model(&triggerRow{}).Where("id = ? AND revision = ?", r.ID, r.Revision).Select(stateColumns).Updates(&r)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		if r.paused() {
			// Who has stopped it already, and perhaps been told, is not told again.
			stopped := tx.Exec("UPDATE stream_triggers SET running = FALSE, told = FALSE WHERE id = ? AND running = TRUE", r.ID)
			if stopped.Error != nil {
				return stopped.Error
			}
			if stopped.RowsAffected > 0 {
				if err := n.touch(tx, r.BotID); err != nil {
					return err
				}
			}
		}
		for _, item := range add {
			if err := tx.Exec("INSERT INTO stream_seen (trigger_id, item, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", r.ID, item, now.UnixMilli()).Error; err != nil {
				return err
			}
		}
		for _, item := range forget {
			if err := tx.Exec("DELETE FROM stream_seen WHERE trigger_id = ? AND item = ?", r.ID, item).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note what was read: %w", err)
	}
	return nil
}
