package account

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
)

// Login is a login of a city that waits: for the browser to come back while it
// has a Nonce and no Token, then for the moderator to confirm the account. It has
// neither when it is confirmed. A city has one at a time on each network.
type Login struct {
	CityID int64
	Nonce  string
	Account
	Created time.Time
}

// Wait stores l in place of another login of the city.
func (s *Store) Wait(ctx context.Context, l Login) error {
	l.Created = s.now()
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM "+s.logins()+" WHERE created < ?", s.oldest()).Error; err != nil {
			return err
		}
		return s.PutLogin(tx, l)
	})
	if err != nil {
		return fmt.Errorf("save %s login: %w", s.network, err)
	}
	return nil
}

// oldest is when the oldest login that may still be confirmed was begun.
func (s *Store) oldest() int64 { return s.now().Add(-loginFor).UnixMilli() }

// PutLogin stores l within tx as it is, in place of another login of the city.
func (s *Store) PutLogin(tx *gorm.DB, l Login) error {
	l.Account = l.bounded()
	token := l.Token
	if token != "" {
		token = s.box.Seal(place(s.logins(), l.CityID), token)
	}
	return tx.Exec("INSERT INTO "+s.logins()+" (city_id, nonce, "+columns+`, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (city_id) DO UPDATE SET nonce = excluded.nonce, server = excluded.server, remote = excluded.remote,
			handle = excluded.handle, name = excluded.name, url = excluded.url, token = excluded.token,
			cursor = excluded.cursor, created = excluded.created`,
		l.CityID, l.Nonce, l.Server, l.Remote, l.Handle, l.Name, l.URL, token, l.Cursor, l.Created.UnixMilli()).Error
}

// Waiting returns the login of the city that waits to be confirmed, or
// db.ErrNotFound: also where its token was stored with another secret key.
func (s *Store) Waiting(ctx context.Context, cityID int64) (Login, error) {
	l := Login{CityID: cityID}
	err := s.db.ReadRow(ctx, "SELECT "+columns+" FROM "+s.logins()+" WHERE city_id = ? AND created >= ? AND token <> ''", cityID, s.oldest()).
		Scan(&l.Server, &l.Remote, &l.Handle, &l.Name, &l.URL, &l.Token, &l.Cursor)
	if err != nil {
		return Login{}, fmt.Errorf("%s login: %w", s.network, err)
	}
	if l.Token, err = s.box.Open(place(s.logins(), cityID), l.Token); err != nil {
		return Login{}, fmt.Errorf("%s login: %w: %w", s.network, db.ErrNotFound, err)
	}
	return l, nil
}

// TakeNonce ends the waiting for the browser: it returns the server of the
// login that the nonce belongs to, once. The error is db.ErrNotFound.
func (s *Store) TakeNonce(ctx context.Context, cityID int64, nonce string) (server string, err error) {
	err = s.db.Write(ctx, func(tx *gorm.DB) error {
		var found []string
		err := tx.Raw("DELETE FROM "+s.logins()+" WHERE city_id = ? AND nonce = ? AND nonce <> '' RETURNING server", cityID, nonce).Scan(&found).Error
		if err == nil && len(found) == 0 {
			err = db.ErrNotFound
		}
		if err == nil {
			server = found[0]
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("%s login: %w", s.network, err)
	}
	return server, nil
}

// Drop ends the login of a city. One that is not there is no error.
func (s *Store) Drop(ctx context.Context, cityID int64) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error { return s.drop(tx, cityID) })
	if err != nil {
		return fmt.Errorf("end %s login: %w", s.network, err)
	}
	return nil
}

// confirmed marks within tx the login of a as confirmed: who says yes once more,
// as with a double click, finds it so. Another account's login goes on waiting.
func (s *Store) confirmed(tx *gorm.DB, cityID int64, a Account) error {
	return tx.Exec("UPDATE "+s.logins()+" SET nonce = '', token = '' WHERE city_id = ? AND server = ? AND remote = ?",
		cityID, a.Server, a.Remote).Error
}

// Confirmed returns the account of the city's last login where that has been
// confirmed; or db.ErrNotFound.
func (s *Store) Confirmed(ctx context.Context, cityID int64) (Account, error) {
	var a Account
	err := s.db.ReadRow(ctx, "SELECT server, remote, handle, name, url FROM "+s.logins()+" WHERE city_id = ? AND nonce = '' AND token = ''", cityID).
		Scan(&a.Server, &a.Remote, &a.Handle, &a.Name, &a.URL)
	if err != nil {
		return Account{}, fmt.Errorf("%s login: %w", s.network, err)
	}
	return a, nil
}

func (s *Store) drop(tx *gorm.DB, cityID int64) error {
	return tx.Exec("DELETE FROM "+s.logins()+" WHERE city_id = ?", cityID).Error
}
