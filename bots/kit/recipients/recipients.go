// Package recipients keeps whom a network's bots send to one by one: mail
// subscribers, chats, subscriptions. Their addresses are sealed; they are found
// by a keyed hash.
package recipients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// ErrSealed is an address that was stored with another secret key. It is kept:
// with the former key it can be read again.
var ErrSealed = errors.New("the address was stored with another secret key")

// Tables returns the statements that make the table <network>_recipients. Ids
// are never used again.
func Tables(network string) []string {
	return []string{
		`CREATE TABLE ` + network + `_recipients (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			bot_id INTEGER NOT NULL REFERENCES bots(id) ON DELETE CASCADE,
			key TEXT NOT NULL,
			address TEXT NOT NULL,
			created INTEGER NOT NULL,
			suspended INTEGER NOT NULL DEFAULT 0,
			reason TEXT NOT NULL DEFAULT '',
			lines TEXT NOT NULL DEFAULT '',
			UNIQUE (bot_id, key))`,
		activeIndex(network),
	}
}

// Recipient is whom a bot sends to.
type Recipient struct {
	ID        int64
	BotID     int64
	Address   string // in the one spelling that the network uses for it
	Created   time.Time
	Suspended time.Time // since when nothing is sent; zero where it is
	Reason    string    // why it is suspended
	// Lines are those that it wants the reports of; empty: it wants all reports.
	Lines report.Lines
}

// Store keeps the recipients of a network.
type Store struct {
	network string
	table   string
	db      *db.DB
	box     *secret.Box
	now     func() time.Time
}

// NewStore returns the store of the network that has the Tables.
func NewStore(network string, h bots.Host) *Store {
	return &Store{network: network, table: network + "_recipients", db: h.DB, box: h.Secrets, now: h.Now}
}

// ForMigration returns a store of which only Put may be called: in a migration
// that moves recipients from older tables.
func ForMigration(network string, box *secret.Box) *Store {
	return &Store{network: network, table: network + "_recipients", box: box, now: time.Now}
}

// Key is the keyed hash by which an address is stored and found. It is that of an author,
// so that who wrote a report can be left out when it is sent. A bot that is gone is
// db.ErrNotFound.
func (s *Store) Key(ctx context.Context, botID int64, address string) (string, error) {
	var cityID int64
	if err := s.db.ReadRow(ctx, "SELECT city_id FROM bots WHERE id = ?", botID).Scan(&cityID); err != nil {
		return "", fmt.Errorf("city of bot %d: %w", botID, err)
	}
	return s.box.Author(cityID, s.network, address), nil
}

// place is where an address is stored, which sealing binds it to.
func (s *Store) place(botID int64, key string) string {
	return s.table + ".address:" + strconv.FormatInt(botID, 10) + ":" + key
}

// Subscribe stores a recipient and tells whether it is new. One that was
// suspended is sent to again. A bot that is gone is db.ErrNotFound.
func (s *Store) Subscribe(ctx context.Context, botID int64, address string) (added bool, err error) {
	key, err := s.Key(ctx, botID, address)
	if err == nil {
		err = s.db.Write(ctx, func(tx *gorm.DB) error {
			result := tx.Exec("INSERT INTO "+s.table+" (bot_id, key, address, created) VALUES (?, ?, ?, ?) ON CONFLICT (bot_id, key) DO NOTHING",
				botID, key, s.box.Seal(s.place(botID, key), address), s.now().UnixMilli())
			if added = result.RowsAffected > 0; result.Error != nil || added {
				return result.Error
			}
			return tx.Exec("UPDATE "+s.table+" SET suspended = 0, reason = '' WHERE bot_id = ? AND key = ?", botID, key).Error
		})
	}
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = db.ErrNotFound
	}
	if err != nil {
		return false, fmt.Errorf("subscribe to %s: %w", s.network, err)
	}
	return added, nil
}

// Put stores a recipient of a bot that is there within tx as it is, with a new id
// where it has none.
func (s *Store) Put(tx *gorm.DB, r Recipient) error {
	var cityID int64
	if err := tx.Raw("SELECT city_id FROM bots WHERE id = ?", r.BotID).Scan(&cityID).Error; err != nil {
		return err
	}
	return s.put(tx, r, s.box.Author(cityID, s.network, r.Address))
}

func (s *Store) put(tx *gorm.DB, r Recipient, key string) error {
	columns, values := "bot_id, key, address, created, suspended, reason", "?, ?, ?, ?, ?, ?"
	suspended := int64(0)
	if !r.Suspended.IsZero() {
		suspended = r.Suspended.UnixMilli()
	}
	args := []any{r.BotID, key, s.box.Seal(s.place(r.BotID, key), r.Address), r.Created.UnixMilli(), suspended, r.Reason}
	if r.ID != 0 {
		columns, values, args = columns+", id", values+", ?", append(args, r.ID)
	}
	return tx.Exec("INSERT INTO "+s.table+" ("+columns+") VALUES ("+values+")", args...).Error
}

// Unsubscribe forgets the recipient of an address and tells whether there was
// one.
func (s *Store) Unsubscribe(ctx context.Context, botID int64, address string) (removed bool, err error) {
	key, err := s.Key(ctx, botID, address)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil // the bot is gone, and its recipients with it
	}
	if err != nil {
		return false, fmt.Errorf("unsubscribe from %s: %w", s.network, err)
	}
	return s.remove(ctx, "bot_id = ? AND key = ?", botID, key)
}

// Erase forgets the recipient of an address that somebody else has typed in. It does
// not tell whether there was one, also not by how long it takes: one is stored first.
func (s *Store) Erase(ctx context.Context, botID int64, address string) error {
	key, err := s.Key(ctx, botID, address)
	if err != nil {
		return fmt.Errorf("unsubscribe from %s: %w", s.network, err)
	}
	err = s.db.Write(ctx, func(tx *gorm.DB) error {
		err := tx.Exec("INSERT INTO "+s.table+` (bot_id, key, address, created) VALUES (?, ?, ?, ?)
			ON CONFLICT (bot_id, key) DO UPDATE SET address = excluded.address`,
			botID, key, s.box.Seal(s.place(botID, key), address), s.now().UnixMilli()).Error
		if err != nil {
			return err
		}
		return tx.Exec("DELETE FROM "+s.table+" WHERE bot_id = ? AND key = ?", botID, key).Error
	})
	if err != nil {
		return fmt.Errorf("unsubscribe from %s: %w", s.network, err)
	}
	return nil
}

// Remove forgets a recipient of a bot. One that is not there is no error.
func (s *Store) Remove(ctx context.Context, botID, id int64) error {
	_, err := s.remove(ctx, "bot_id = ? AND id = ?", botID, id)
	return err
}

// RemoveIn is Remove within tx.
func (s *Store) RemoveIn(tx *gorm.DB, botID, id int64) error {
	return tx.Exec("DELETE FROM "+s.table+" WHERE bot_id = ? AND id = ?", botID, id).Error
}

func (s *Store) remove(ctx context.Context, where string, args ...any) (removed bool, err error) {
	err = s.db.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("DELETE FROM "+s.table+" WHERE "+where, args...)
		removed = result.RowsAffected > 0
		return result.Error
	})
	if err != nil {
		return false, fmt.Errorf("unsubscribe from %s: %w", s.network, err)
	}
	return removed, nil
}

const columns = "id, key, address, created, suspended, reason, lines"

// Get returns a recipient of a bot, or db.ErrNotFound. With ErrSealed comes the
// recipient without its address.
func (s *Store) Get(ctx context.Context, botID, id int64) (Recipient, error) {
	return s.read(botID, s.db.ReadRow(ctx, "SELECT "+columns+" FROM "+s.table+" WHERE bot_id = ? AND id = ?", botID, id))
}

// Find returns the recipient of an address, or db.ErrNotFound.
func (s *Store) Find(ctx context.Context, botID int64, address string) (Recipient, error) {
	key, err := s.Key(ctx, botID, address)
	if err != nil {
		return Recipient{}, fmt.Errorf("%s recipient: %w", s.network, err)
	}
	return s.read(botID, s.db.ReadRow(ctx, "SELECT "+columns+" FROM "+s.table+" WHERE bot_id = ? AND key = ?", botID, key))
}

func (s *Store) read(botID int64, row db.Row) (Recipient, error) {
	r := Recipient{BotID: botID}
	var key string
	var created, suspended int64
	err := row.Scan(&r.ID, &key, &r.Address, &created, &suspended, &r.Reason, &r.Lines)
	if err != nil {
		return Recipient{}, fmt.Errorf("%s recipient: %w", s.network, err)
	}
	r.Created = time.UnixMilli(created).UTC()
	if suspended != 0 {
		r.Suspended = time.UnixMilli(suspended).UTC()
	}
	if r.Address, err = s.box.Open(s.place(botID, key), r.Address); err != nil {
		return r, fmt.Errorf("%s recipient: %w: %w", s.network, ErrSealed, err)
	}
	return r, nil
}

// List returns the ids of those that are sent r, in ascending order: not its
// author, not whom it leaves out, and not who wants other lines alone.
func (s *Store) List(ctx context.Context, botID int64, r report.Report) ([]int64, error) {
	query, args := s.leaveOut("SELECT id FROM "+s.table+" WHERE bot_id = ? AND suspended = 0", []any{botID}, r)
	return s.ids(ctx, query, args, r.Lines)
}

// Count returns how many are sent to.
func (s *Store) Count(ctx context.Context, botID int64) (int, error) {
	var n int
	err := s.db.ReadRow(ctx, "SELECT count(*) FROM "+s.table+" WHERE bot_id = ? AND suspended = 0", botID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count %s recipients: %w", s.network, err)
	}
	return n, nil
}

// Suspend ends the sending to a recipient until it subscribes again. One that
// is not there is no error. reason is ours: words of other servers may name somebody.
func (s *Store) Suspend(ctx context.Context, id int64, reason string) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE "+s.table+" SET suspended = ?, reason = ? WHERE id = ?", s.now().UnixMilli(), reason, id).Error
	})
	if err != nil {
		return fmt.Errorf("suspend %s recipient: %w", s.network, err)
	}
	return nil
}

// Move gives a recipient another address, as that of the supergroup that a
// group has become. One that is not there is no error; nor is an address that is
// empty or the same, which changes nothing.
func (s *Store) Move(ctx context.Context, botID int64, from, to string) error {
	if to == "" || to == from {
		return nil
	}
	if err := s.move(ctx, botID, from, to); err != nil && !errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("move %s recipient: %w", s.network, err)
	}
	return nil
}

func (s *Store) move(ctx context.Context, botID int64, from, to string) error {
	oldKey, err := s.Key(ctx, botID, from)
	if err != nil {
		return err
	}
	key, err := s.Key(ctx, botID, to)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *gorm.DB) error {
		if err := db.Lock(tx, "bots", botID); err != nil {
			return err
		}
		if err := s.merge(tx, botID, oldKey, key); err != nil {
			return err
		}
		return tx.Exec("UPDATE "+s.table+" SET key = ?, address = ? WHERE bot_id = ? AND key = ?",
			key, s.box.Seal(s.place(botID, key), to), botID, oldKey).Error
	})
}

// merge makes way for one that moves where the new address has been stored by
// itself in the meantime. If that one is sent to, the one that moves is too.
func (s *Store) merge(tx *gorm.DB, botID int64, oldKey, key string) error {
	err := tx.Exec("UPDATE "+s.table+" SET suspended = 0, reason = '' WHERE bot_id = ? AND key = ? AND EXISTS (SELECT 1 FROM "+s.table+
		" WHERE bot_id = ? AND key = ? AND suspended = 0)", botID, oldKey, botID, key).Error
	if err != nil {
		return err
	}
	return tx.Exec("DELETE FROM "+s.table+" WHERE bot_id = ? AND key = ? AND EXISTS (SELECT 1 FROM "+s.table+" WHERE bot_id = ? AND key = ?)",
		botID, key, botID, oldKey).Error
}

// Forget deletes the recipients of a bot within tx.
func (s *Store) Forget(tx *gorm.DB, botID int64) error {
	return tx.Exec("DELETE FROM "+s.table+" WHERE bot_id = ?", botID).Error
}

// removedAtOnce is how many recipients are removed in one transaction.
const removedAtOnce = 500

// RemoveSealed forgets those whose address was stored with another secret key, and
// returns how many there were: nothing can be sent to them, and they could not
// unsubscribe.
func (s *Store) RemoveSealed(ctx context.Context) (removed int, err error) {
	for last := int64(0); ; {
		rows, err := s.sealed(ctx, last)
		if err != nil || len(rows) == 0 {
			return removed, err
		}
		last = rows[len(rows)-1].ID
		var gone []int64
		for _, r := range rows {
			if !s.opens(r) {
				gone = append(gone, r.ID)
			}
		}
		err = s.db.Write(ctx, func(tx *gorm.DB) error {
			return tx.Exec("DELETE FROM "+s.table+" WHERE id IN ?", gone).Error
		})
		if err != nil {
			return removed, fmt.Errorf("remove %s recipients: %w", s.network, err)
		}
		removed += len(gone)
	}
}

// Opens tells whether some address can be read, and how many were tried: the
// first few.
func (s *Store) Opens(ctx context.Context) (opened bool, tried int, err error) {
	rows, err := s.sealed(ctx, 0)
	return slices.ContainsFunc(rows, s.opens), len(rows), err
}

// sealedRow is a recipient as it is stored.
type sealedRow struct {
	ID, BotID    int64
	Key, Address string
}

// sealed returns the recipients of all bots after an id, as many as are removed
// at once.
func (s *Store) sealed(ctx context.Context, after int64) ([]sealedRow, error) {
	var rows []sealedRow
	err := s.db.Read(ctx).Raw("SELECT id, bot_id, key, address FROM "+s.table+" WHERE id > ? ORDER BY id LIMIT ?", after, removedAtOnce).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list %s recipients: %w", s.network, err)
	}
	return rows, nil
}

func (s *Store) opens(r sealedRow) bool {
	_, err := s.box.Open(s.place(r.BotID, r.Key), r.Address)
	return err == nil
}
