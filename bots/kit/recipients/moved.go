package recipients

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Moved is a recipient as it goes to another server.
type Moved struct {
	ID        int64  `json:"id"` // on the server that it comes from
	Address   string `json:"address"`
	Created   int64  `json:"created"`             // in milliseconds, as all times
	Suspended int64  `json:"suspended,omitempty"` // since when nothing is sent
	Reason    string `json:"reason,omitempty"`    // why
	Lines     string `json:"lines,omitempty"`
	// Muted and MutedUnverified tell that what they write is not passed on, and what comes
	// in their name.
	Muted           bool `json:"muted,omitempty"`
	MutedUnverified bool `json:"muted_unverified,omitempty"`
}

// Export returns the recipients of a bot whose address can be read.
func (s *Store) Export(ctx context.Context, b report.Bot) ([]Moved, error) {
	muted, err := s.db.Mutes(ctx, b.CityID)
	if err != nil {
		return nil, fmt.Errorf("export %s recipients: %w", s.network, err)
	}
	var rows []struct {
		ID                          int64
		Key, Address, Reason, Lines string
		Created, Suspended          int64
	}
	err = s.db.Read(ctx).Raw("SELECT "+columns+" FROM "+s.table+" WHERE bot_id = ? ORDER BY id", b.ID).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("export %s recipients: %w", s.network, err)
	}
	list := make([]Moved, 0, len(rows))
	for _, r := range rows {
		address, err := s.box.Open(s.place(b.ID, r.Key), r.Address)
		if err != nil {
			continue // with the former key it is lost anyway
		}
		list = append(list, Moved{ID: r.ID, Address: address, Created: r.Created, Suspended: r.Suspended, Reason: r.Reason, Lines: r.Lines,
			Muted: muted[r.Key], MutedUnverified: muted[s.box.Unverified(r.Key)]})
	}
	return list, nil
}

// Import stores recipients of another server within tx for a bot that has none yet, and
// returns their ids here by those they had.
func (s *Store) Import(tx *gorm.DB, b report.Bot, list []Moved) (map[int64]int64, error) {
	ids := make(map[int64]int64, len(list))
	for part := range slices.Chunk(list, importedAtOnce) {
		stored, err := s.insert(tx, b, part, "")
		if err != nil {
			return nil, err
		}
		for _, m := range part {
			key := s.box.Author(b.CityID, s.network, m.Address)
			ids[m.ID] = stored[key]
			if err := s.muteMoved(tx, b.CityID, key, m); err != nil {
				return nil, fmt.Errorf("import %s recipients: %w", s.network, err)
			}
		}
	}
	return ids, nil
}

// Grow stores recipients of another program within tx for a bot that may have some: who is one
// already stays as they are. It returns how many it has added.
func (s *Store) Grow(tx *gorm.DB, b report.Bot, list []Moved) (added int, err error) {
	for part := range slices.Chunk(list, importedAtOnce) {
		stored, err := s.insert(tx, b, part, " ON CONFLICT (bot_id, key) DO NOTHING")
		if err != nil {
			return added, err
		}
		added += len(stored)
	}
	return added, nil
}

// importedAtOnce is how many recipients one statement stores: there may be 200,000, and a
// server is far away.
const importedAtOnce = 100

// insert stores recipients of a bot and returns the ids of those that are new, by their keys.
func (s *Store) insert(tx *gorm.DB, b report.Bot, list []Moved, onConflict string) (map[string]int64, error) {
	const one = "(?, ?, ?, ?, ?, ?, ?)"
	args := make([]any, 0, 7*len(list))
	for _, m := range list {
		key := s.box.Author(b.CityID, s.network, m.Address)
		args = append(args, b.ID, key, s.box.Seal(s.place(b.ID, key), m.Address), m.Created, m.Suspended, m.Reason, m.Lines)
	}
	var rows []struct {
		ID  int64
		Key string
	}
	err := tx.Raw("INSERT INTO "+s.table+" (bot_id, key, address, created, suspended, reason, lines) VALUES "+
		one+strings.Repeat(", "+one, len(list)-1)+onConflict+" RETURNING id, key", args...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("import %s recipients: %w", s.network, err)
	}
	ids := make(map[string]int64, len(rows))
	for _, r := range rows {
		ids[r.Key] = r.ID
	}
	return ids, nil
}

func (s *Store) muteMoved(tx *gorm.DB, cityID int64, key string, m Moved) error {
	for author, muted := range map[string]bool{key: m.Muted, s.box.Unverified(key): m.MutedUnverified} {
		if !muted {
			continue
		}
		err := tx.Exec("INSERT INTO mutes (city_id, author, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", cityID, author, s.now().UnixMilli()).Error
		if err != nil {
			return err
		}
	}
	return nil
}
