// Package account is what every network needs to have accounts: the tables of
// accounts and of logins that wait, and the forms by which a moderator connects
// one.
package account

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/text"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// ErrTaken is the account being the bot of another city.
var ErrTaken = bots.ErrAccountTaken

// ErrSealed is a token that was stored with another secret key. The account can
// be shown, and be given a new token.
var ErrSealed = errors.New("the token was stored with another secret key")

// loginFor is how long a login waits to be confirmed.
const loginFor = time.Hour

// Tables returns the statements that make the tables <network>_accounts and
// <network>_logins.
func Tables(network string) []string {
	return []string{
		`CREATE TABLE ` + network + `_accounts (
			bot_id INTEGER PRIMARY KEY REFERENCES bots(id) ON DELETE CASCADE,
			server TEXT NOT NULL,
			remote TEXT NOT NULL,
			handle TEXT NOT NULL,
			name TEXT NOT NULL,
			url TEXT NOT NULL,
			token TEXT NOT NULL,
			cursor TEXT NOT NULL,
			cursor_at INTEGER NOT NULL,
			UNIQUE (server, remote))`,
		`CREATE TABLE ` + network + `_logins (
			city_id INTEGER PRIMARY KEY REFERENCES cities(id) ON DELETE CASCADE,
			nonce TEXT NOT NULL,
			server TEXT NOT NULL,
			remote TEXT NOT NULL,
			handle TEXT NOT NULL,
			name TEXT NOT NULL,
			url TEXT NOT NULL,
			token TEXT NOT NULL,
			cursor TEXT NOT NULL,
			created INTEGER NOT NULL)`,
	}
}

// Migrations is the list of a network whose first migration makes tables, and
// then more.
func Migrations(network string, tables []string, more []*gormigrate.Migration) func(*secret.Box) []*gormigrate.Migration {
	return func(*secret.Box) []*gormigrate.Migration {
		first := &gormigrate.Migration{ID: network + "_0001", Migrate: db.SQL(tables...)}
		return append([]*gormigrate.Migration{first}, more...)
	}
}

// Account is one account on the network.
type Account struct {
	BotID int64
	// Server is the URL of the server that the account is on, without a slash
	// at the end; empty where the network has one server for all.
	Server string
	// Remote is the network's own id of the account. With Server it says which
	// account it is, whatever it is called.
	Remote string
	Handle string // as people write it, as "@kontis@mastodon.example"
	Name   string // as people see it; may be empty
	URL    string // of its page, or the link that opens a chat with it
	Token  string // by which the program logs in; sealed where it is stored
	// Cursor is how far the account has been read, in the network's own form.
	// CursorAt is when that was stored.
	Cursor   string
	CursorAt time.Time
}

// Same tells whether a and b are the same account on the network.
func (a Account) Same(b Account) bool { return a.Server == b.Server && a.Remote == b.Remote }

// longestName is how long a handle or a name may be, in characters: they come
// from strangers' servers.
const longestName = 200

// bounded is a with its handle and name as they are stored. A cursor that is too long
// is none.
func (a Account) bounded() Account {
	limit := text.Runes(longestName)
	a.Handle, a.Name = limit.Fit(a.Handle), limit.Fit(a.Name)
	if !Fits(a.Cursor) {
		a.Cursor = ""
	}
	return a
}

// Store keeps the accounts of a network. What is too long of handles and names is
// cut.
type Store struct {
	network string
	db      *db.DB
	box     *secret.Box
	now     func() time.Time
}

// NewStore returns the store of the network that has the Tables.
func NewStore(network string, h bots.Host) *Store {
	return &Store{network: network, db: h.DB, box: h.Secrets, now: h.Now}
}

// ForMigration returns a store of which only Put and PutLogin may be called: in
// a migration that moves accounts from older tables.
func ForMigration(network string, box *secret.Box) *Store {
	return &Store{network: network, box: box, now: time.Now}
}

const columns = "server, remote, handle, name, url, token, cursor"

func (s *Store) accounts() string { return s.network + "_accounts" }
func (s *Store) logins() string   { return s.network + "_logins" }

// place is where a token is stored, which sealing binds it to.
func place(table string, id int64) string { return table + ".token:" + strconv.FormatInt(id, 10) }

// Account returns the account of a bot, or db.ErrNotFound. With ErrSealed comes
// the account without its token.
func (s *Store) Account(ctx context.Context, botID int64) (Account, error) {
	a := Account{BotID: botID}
	var at int64
	err := s.db.ReadRow(ctx, "SELECT "+columns+", cursor_at FROM "+s.accounts()+" WHERE bot_id = ?", botID).
		Scan(&a.Server, &a.Remote, &a.Handle, &a.Name, &a.URL, &a.Token, &a.Cursor, &at)
	if err != nil {
		return Account{}, fmt.Errorf("%s account: %w", s.network, err)
	}
	a.CursorAt = time.UnixMilli(at).UTC()
	if a.Token, err = s.box.Open(place(s.accounts(), botID), a.Token); err != nil {
		return a, fmt.Errorf("%s account: %w: %w", s.network, ErrSealed, err)
	}
	return a, nil
}

// Connected returns the account of a bot that is to work. Where there is none
// that can log in, the error is of kind Refused and says so.
func (s *Store) Connected(ctx context.Context, botID int64) (Account, error) {
	a, err := s.Account(ctx, botID)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return Account{}, bots.Refused(bots.Say(err, "kit.account.none"))
	case errors.Is(err, ErrSealed):
		return Account{}, bots.Refused(bots.Say(err, "kit.account.sealed"))
	}
	return a, err
}

// Address returns what the account of a bot is called and where it is found, also
// where its token was stored with another secret key: who looks at the city's page
// does not need that. The error is db.ErrNotFound where there is none.
func (s *Store) Address(ctx context.Context, botID int64) (text, url string, err error) {
	a, err := s.Account(ctx, botID)
	if errors.Is(err, ErrSealed) {
		err = nil
	}
	return a.Handle, a.URL, err
}

// BotOf returns the id of the city's bot that has the account, 0 where nobody
// has it. The error is ErrTaken where it is another city's.
func (s *Store) BotOf(ctx context.Context, cityID int64, a Account) (botID int64, err error) {
	var owner int64
	err = s.db.ReadRow(ctx, "SELECT bots.id, bots.city_id FROM "+s.accounts()+" JOIN bots ON bots.id = bot_id WHERE server = ? AND remote = ?",
		a.Server, a.Remote).Scan(&botID, &owner)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("%s accounts: %w", s.network, err)
	case owner != cityID:
		return 0, ErrTaken
	}
	return botID, nil
}

// Put stores the account of its bot within tx; one without a Remote is Unknown. The same account with another
// token keeps its cursor, so that what was written while its token was refused
// is not lost. The error is ErrTaken where another bot has the account.
func (s *Store) Put(tx *gorm.DB, a Account) error {
	a = a.bounded()
	if a.Remote == "" {
		a.Remote = unknownOf(a.BotID)
	}
	at := a.CursorAt
	if at.IsZero() {
		at = s.now()
	}
	err := tx.Exec("INSERT INTO "+s.accounts()+" (bot_id, "+columns+`, cursor_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (bot_id) DO UPDATE SET handle = excluded.handle, name = excluded.name, url = excluded.url, token = excluded.token`,
		a.BotID, a.Server, a.Remote, a.Handle, a.Name, a.URL, s.box.Seal(place(s.accounts(), a.BotID), a.Token), a.Cursor, at.UnixMilli()).Error
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return ErrTaken
	}
	return err
}

// SaveCursor stores how far the account has been read by who has that claim to its city. It
// is on disk some milliseconds later: what is read again after a crash is harmless. One of
// more than MaxID bytes is not stored.
func (s *Store) SaveCursor(ctx context.Context, claim db.Claim, botID int64, cursor string) error {
	if !Fits(cursor) {
		return nil
	}
	err := s.db.WriteFor(ctx, claim, func(tx *gorm.DB) error {
		_, err := db.Exec(tx, "UPDATE "+s.accounts()+" SET cursor = ?, cursor_at = ? WHERE bot_id = ?", cursor, s.now().UnixMilli(), botID)
		return err
	})
	if err != nil {
		return fmt.Errorf("save cursor of %s account: %w", s.network, err)
	}
	s.db.AfterSync(func(error) {}) // who has to know asks for itself
	return nil
}

// Rename stores what the network calls the account now.
func (s *Store) Rename(ctx context.Context, a Account) error {
	a = a.bounded()
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE "+s.accounts()+" SET handle = ?, name = ?, url = ? WHERE bot_id = ?", a.Handle, a.Name, a.URL, a.BotID).Error
	})
	if err != nil {
		return fmt.Errorf("rename %s account: %w", s.network, err)
	}
	return nil
}

// Forget deletes within tx what is stored of a bot, a login of its account among
// it. That of another account goes on waiting.
func (s *Store) Forget(tx *gorm.DB, b report.Bot) error {
	err := tx.Exec("DELETE FROM "+s.logins()+" WHERE city_id = ? AND (server, remote) IN (SELECT server, remote FROM "+s.accounts()+" WHERE bot_id = ?)",
		b.CityID, b.ID).Error
	if err != nil {
		return err
	}
	return tx.Exec("DELETE FROM "+s.accounts()+" WHERE bot_id = ?", b.ID).Error
}
