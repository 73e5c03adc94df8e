package db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// CityCopy is all that is stored of a city but for its reports and what the networks store: as
// it goes to another server.
type CityCopy struct {
	Slug      string `json:"slug"`
	Name      string `json:"name"`
	Language  string `json:"language"`
	Zone      string `json:"zone,omitempty"`
	Triggers  string `json:"triggers"`
	Blocked   string `json:"blocked"`
	Page      string `json:"page,omitempty"`
	Poster    string `json:"poster,omitempty"`
	NoIndex   bool   `json:"no_index,omitempty"`
	Questions bool   `json:"questions"`
	Replies   bool   `json:"replies"`
	Tasks     string `json:"tasks,omitempty"`
	Approval  string `json:"approval,omitempty"`
	NoLinks   bool   `json:"no_links,omitempty"`
	Short     bool   `json:"short,omitempty"`
	NoContact bool   `json:"no_contact,omitempty"`
	Answers   string `json:"answers,omitempty"`
	Defaults  string `json:"defaults,omitempty"`
	Paused    int64  `json:"paused,omitempty"` // in milliseconds, as all times
	Created   int64  `json:"created"`

	Places     string          `json:"places,omitempty"`
	Aliases    []string        `json:"aliases"`
	Former     []string        `json:"former_names,omitempty"` // those in other programs that are no slugs
	Moderators []ModeratorCopy `json:"moderators"`
	Bots       []BotCopy       `json:"bots"`
	Keys       []KeyCopy       `json:"keys"`
	Stored     []StoredCopy    `json:"stored"`
	Mutes      int             `json:"mutes"` // how many there are
}

// ModeratorCopy is a moderator of a city.
type ModeratorCopy struct {
	Email    string `json:"email"`
	Password string `json:"password"` // the hash
	Role     string `json:"role"`
	Created  int64  `json:"created"`
}

// BotCopy is a bot of a city with what its network stores of it.
type BotCopy struct {
	Network string          `json:"network"`
	Enabled bool            `json:"enabled"`
	Answers string          `json:"answers,omitempty"`
	Stored  json.RawMessage `json:"stored,omitempty"`
}

// KeyCopy is a key of the API.
type KeyCopy struct {
	Name    string `json:"name"`
	Hash    string `json:"hash"`
	Rights  string `json:"rights"`
	Created int64  `json:"created"`
	Expires int64  `json:"expires,omitempty"`
}

// StoredCopy is a value that a script or program keeps.
type StoredCopy struct {
	Owner string `json:"owner"`
	Key   string `json:"key"`
	Value string `json:"value"`
}

// CopyCity returns a copy of a city, without what its networks store.
func (d *DB) CopyCity(ctx context.Context, box *secret.Box, cityID int64) (CityCopy, error) {
	c, err := d.City(ctx, cityID)
	if err != nil {
		return CityCopy{}, err
	}
	copied := CityCopy{Slug: c.Slug, Name: c.Name, Language: c.Language, Zone: c.Zone, Triggers: c.Triggers, Blocked: c.Blocked, Page: c.Page, Poster: c.Poster,
		NoIndex: c.NoIndex, Questions: c.Questions, Replies: c.Replies, Tasks: c.Tasks, Approval: string(c.Approval), NoLinks: c.NoLinks, Short: c.Short,
		NoContact: c.NoContact, Answers: c.Answers, Defaults: c.Defaults, Paused: millis(c.Paused), Created: millis(c.Created)}
	scan := func(err *error, into any, query string) {
		if *err == nil {
			*err = d.Read(ctx).Raw(query, cityID).Scan(into).Error
		}
	}
	copied.Places, err = d.Places(ctx, cityID)
	scan(&err, &copied.Aliases, "SELECT slug FROM city_aliases WHERE city_id = ? ORDER BY slug")
	scan(&err, &copied.Former, "SELECT name FROM former_names WHERE city_id = ? ORDER BY name")
	scan(&err, &copied.Moderators, "SELECT m.email, m.password, c.role, m.created FROM city_moderators AS c JOIN moderators AS m ON m.id = c.moderator_id WHERE c.city_id = ? ORDER BY m.id")
	scan(&err, &copied.Bots, "SELECT network, enabled, answers FROM bots WHERE city_id = ? ORDER BY id")
	scan(&err, &copied.Keys, "SELECT name, hash, rights, created, expires FROM api_keys WHERE city_id = ? ORDER BY id")
	scan(&err, &copied.Stored, "SELECT owner, key, value FROM store WHERE city_id = ? ORDER BY owner, key")
	scan(&err, &copied.Mutes, "SELECT count(*) FROM mutes WHERE city_id = ?")
	if err != nil {
		return CityCopy{}, fmt.Errorf("copy city: %w", err)
	}
	readable := copied.Stored[:0]
	for _, s := range copied.Stored {
		if s.Value, err = box.Open(d.Store(box, cityID, s.Owner).place(s.Key), s.Value); err == nil {
			readable = append(readable, s)
		}
	}
	copied.Stored = readable
	return copied, nil
}

// PasteCity makes a city of a copy with that slug: it is on, also where the one that was copied
// is not. fill stores what belongs to each of its bots, in the order of the copy, in the same
// transaction. Moderators who are known keep their password. left are aliases that others have.
// The error is ErrTaken where the slug is taken; one that a deleted city had may be had.
func (d *DB) PasteCity(ctx context.Context, box *secret.Box, from CityCopy, slug string, fill func(tx *gorm.DB, b report.Bot, of BotCopy) error) (c report.City, left []string, err error) {
	err = d.WriteLong(ctx, func(tx *gorm.DB) error {
		left = nil
		row := pastedCity(from, slug)
		if err := d.pasteNames(tx, &row, from.Aliases, &left); err != nil {
			return err
		}
		if err := d.pasteRows(tx, box, row.ID, from); err != nil {
			return err
		}
		for _, b := range from.Bots {
			made := d.newBotRow(row.ID, b.Network)
			made.Enabled, made.Answers = b.Enabled, b.Answers
			if !b.Enabled {
				made.State = string(report.BotOff)
			}
			if err := tx.Create(made).Error; err != nil {
				return err
			}
			if err := fill(tx, made.bot(), b); err != nil {
				return err
			}
		}
		c = row.city()
		return d.CityChanged(tx, row.ID)
	})
	if err != nil {
		return report.City{}, nil, fmt.Errorf("import city: %w", err)
	}
	return c, left, nil
}

// pastedCity is the row of a city that comes as a copy.
func pastedCity(from CityCopy, slug string) cityRow {
	return cityRow{Slug: slug, Name: from.Name, Language: from.Language, Zone: from.Zone, Triggers: from.Triggers, Blocked: from.Blocked, Page: from.Page,
		Poster: from.Poster, NoIndex: from.NoIndex, Questions: from.Questions, Replies: from.Replies, Tasks: from.Tasks, Approval: from.Approval, NoLinks: from.NoLinks,
		Short: from.Short, NoContact: from.NoContact, Answers: from.Answers, Defaults: from.Defaults, Paused: from.Paused, Created: from.Created}
}

// pasteNames stores the row of a city and those of its aliases that are free.
func (d *DB) pasteNames(tx *gorm.DB, row *cityRow, aliases []string, left *[]string) error {
	for i, slug := range append([]string{row.Slug}, aliases...) {
		if i > 0 && slug == row.Slug {
			continue
		}
		if err := tx.Exec("DELETE FROM former_cities WHERE slug = ?", slug).Error; err != nil {
			return err
		}
		err := d.slugFree(tx, slug)
		switch {
		case i == 0 && err == nil:
			err = tx.Create(row).Error
		case errors.Is(err, ErrTaken) && i > 0:
			*left, err = append(*left, slug), nil
		case err == nil:
			err = d.insertAlias(tx, row.ID, slug)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pasteRows stores what belongs to a city besides its bots.
func (d *DB) pasteRows(tx *gorm.DB, box *secret.Box, cityID int64, from CityCopy) error {
	for _, name := range from.Former { // one that leads to another city already goes on doing so
		if err := tx.Exec("INSERT INTO former_names (name, city_id) VALUES (?, ?) ON CONFLICT DO NOTHING", name, cityID).Error; err != nil {
			return err
		}
	}
	for _, m := range from.Moderators {
		row := moderatorRow{Email: m.Email, Password: m.Password, Created: m.Created}
		if err := findOrCreateModerator(tx, &row); err != nil {
			return err
		}
		if err := tx.Exec("INSERT INTO city_moderators (city_id, moderator_id, role) VALUES (?, ?, ?)", cityID, row.ID, m.Role).Error; err != nil {
			return err
		}
	}
	if from.Places != "" {
		if err := tx.Exec("INSERT INTO places (city_id, text, updated) VALUES (?, ?, ?)", cityID, from.Places, millis(d.now())).Error; err != nil {
			return err
		}
	}
	for _, k := range from.Keys {
		err := tx.Exec("INSERT INTO api_keys (city_id, name, hash, rights, created, expires) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			cityID, k.Name, k.Hash, k.Rights, k.Created, k.Expires).Error
		if err != nil {
			return err
		}
	}
	for _, s := range from.Stored {
		err := tx.Exec("INSERT INTO store (city_id, owner, key, value, revision) VALUES (?, ?, ?, ?, ?)",
			cityID, s.Owner, s.Key, box.Seal(d.Store(box, cityID, s.Owner).place(s.Key), s.Value), millis(d.now())).Error
		if err != nil {
			return err
		}
	}
	return nil
}
