package recipients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Change gives a recipient of a bot another reason not to be sent to, where it has one of
// those in from, and tells whether it did. The empty reason is that of those that are
// sent to. One that is not there is no error.
func (s *Store) Change(ctx context.Context, botID, id int64, to string, from ...string) (turned bool, err error) {
	since := int64(0)
	if to != "" {
		since = s.now().UnixMilli()
	}
	err = s.db.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("UPDATE "+s.table+" SET suspended = ?, reason = ? WHERE bot_id = ? AND id = ? AND reason IN ?", since, to, botID, id, from)
		turned = result.RowsAffected > 0
		return result.Error
	})
	if err != nil {
		return false, fmt.Errorf("suspend %s recipient: %w", s.network, err)
	}
	return turned, nil
}

// Add stores a recipient that is not there yet, and what also stores of it, together. A
// bot that is gone is db.ErrNotFound.
func (s *Store) Add(ctx context.Context, botID int64, address string, also func(tx *gorm.DB, id int64) error) error {
	key, err := s.Key(ctx, botID, address)
	if err == nil {
		err = s.db.Write(ctx, func(tx *gorm.DB) error {
			if err := s.put(tx, Recipient{BotID: botID, Address: address, Created: s.now()}, key); err != nil {
				return err
			}
			var id int64
			if err := tx.Raw("SELECT id FROM "+s.table+" WHERE bot_id = ? AND key = ?", botID, key).Scan(&id).Error; err != nil {
				return err
			}
			return also(tx, id)
		})
	}
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = db.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.network, err)
	}
	return nil
}

// Due returns the ids of those that are not sent to for one of the reasons, at least
// one, since before a time, but for whom List leaves out.
func (s *Store) Due(ctx context.Context, botID int64, r report.Report, before time.Time, reasons ...string) ([]int64, error) {
	query := "SELECT id FROM " + s.table + " WHERE bot_id = ? AND suspended > 0 AND suspended < ? AND reason IN (?" +
		strings.Repeat(", ?", len(reasons)-1) + ")"
	args := []any{botID, before.UnixMilli()}
	for _, reason := range reasons {
		args = append(args, reason)
	}
	query, args = s.leaveOut(query, args, r)
	return s.ids(ctx, query, args, r.Lines)
}

// leaveOut adds to a query that whoever a report is not sent to is not among the result.
func (s *Store) leaveOut(query string, args []any, r report.Report) (string, []any) {
	if r.Network != s.network {
		return query, args
	}
	for _, key := range []string{r.Author, r.LeftOut} {
		if key != "" {
			query, args = query+" AND key <> ?", append(args, key)
		}
	}
	return query, args
}

// ids returns the ids of a query, in ascending order, of those that want the reports of
// one of the lines: those that want all, and then those that have chosen one of these.
func (s *Store) ids(ctx context.Context, query string, args []any, lines report.Lines) ([]int64, error) {
	ids, err := db.ReadColumn[int64](ctx, s.db, query+" AND lines = '' ORDER BY id", args...)
	names := lines.List()
	if err == nil && len(names) > 0 {
		query += " AND lines > '' AND (FALSE" + strings.Repeat(" OR instr(lines, ?) > 0", len(names)) + ")"
		for _, name := range names {
			args = append(args, string(report.NewLines(name)))
		}
		var more []int64
		more, err = db.ReadColumn[int64](ctx, s.db, query, args...)
		if ids = append(ids, more...); len(more) > 0 {
			slices.Sort(ids)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list %s recipients: %w", s.network, err)
	}
	return ids, nil
}

// Each calls do within tx for every recipient of the network whose address can be read,
// with the keyed hash of that.
func (s *Store) Each(tx *gorm.DB, do func(r Recipient, key string) error) error {
	var rows []sealedRow
	if err := tx.Raw("SELECT id, bot_id, key, address FROM " + s.table + " ORDER BY id").Scan(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		address, err := s.box.Open(s.place(row.BotID, row.Key), row.Address)
		if err != nil {
			continue
		}
		if err := do(Recipient{ID: row.ID, BotID: row.BotID, Address: address}, row.Key); err != nil {
			return err
		}
	}
	return nil
}
