package recipients

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
)

// Subscribers returns the recipients of a bot, the first one first; suspended: only those to
// whom nothing is sent. One whose address was stored with another secret key has none.
func (s *Store) Subscribers(ctx context.Context, botID int64, suspended bool) ([]bots.Subscriber, error) {
	where := ""
	if suspended {
		where = " AND suspended > 0"
	}
	ids, err := db.ReadColumn[int64](ctx, s.db, "SELECT id FROM "+s.table+" WHERE bot_id = ?"+where+" ORDER BY id", botID)
	if err != nil {
		return nil, fmt.Errorf("list %s recipients: %w", s.network, err)
	}
	list := make([]bots.Subscriber, 0, len(ids))
	for _, id := range ids {
		r, err := s.Get(ctx, botID, id)
		if errors.Is(err, db.ErrNotFound) {
			continue // it has just gone
		}
		if err != nil && !errors.Is(err, ErrSealed) {
			return nil, err
		}
		if err != nil {
			r.Address = ""
		}
		list = append(list, bots.Subscriber{ID: r.ID, Address: r.Address, Created: r.Created, Suspended: r.Suspended, Reason: r.Reason, Lines: r.Lines})
	}
	return list, nil
}

// Unnamed is Subscribers without their addresses, where these tell people nothing.
func (s *Store) Unnamed(ctx context.Context, botID int64, suspended bool) ([]bots.Subscriber, error) {
	list, err := s.Subscribers(ctx, botID, suspended)
	for i := range list {
		list[i].Address = ""
	}
	return list, err
}

// Resume has a recipient be sent to again that is suspended, and tells whether there was one.
func (s *Store) Resume(ctx context.Context, botID, id int64) (resumed bool, err error) {
	err = s.db.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("UPDATE "+s.table+" SET suspended = 0, reason = '' WHERE bot_id = ? AND id = ? AND suspended > 0", botID, id)
		resumed = result.RowsAffected > 0
		return result.Error
	})
	if err != nil {
		return false, fmt.Errorf("resume %s recipient: %w", s.network, err)
	}
	return resumed, nil
}

// CountSuspended returns to how many recipients of all bots nothing is sent.
func (s *Store) CountSuspended(ctx context.Context) (n int, err error) {
	if err := s.db.ReadRow(ctx, "SELECT count(*) FROM "+s.table+" WHERE suspended > 0").Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s recipients: %w", s.network, err)
	}
	return n, nil
}
