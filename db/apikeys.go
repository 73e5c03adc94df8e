package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/apikey"
)

// MaxAPIKeys is how many keys of the API a city may have.
const MaxAPIKeys = 50

// ErrTooMany is the error of storing one more where there are as many as there may be.
var ErrTooMany = errors.New("there are too many already")

type apiKeyRow struct {
	ID               int64
	CityID           sql.NullInt64
	Name, Hash       string
	Rights           string
	Created, Expires int64
	MadeBy           int64
}

func (apiKeyRow) TableName() string { return "api_keys" }

// AddAPIKey stores a key of the API, of which only the hash is known here. The error is
// ErrTooMany where its city has MaxAPIKeys, and ErrNotFound where it is gone.
func (d *DB) AddAPIKey(ctx context.Context, k apikey.Key, hash string) (apikey.Key, error) {
	k.Created = d.now().Truncate(time.Millisecond)
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := roomForAPIKey(tx, k.CityID); err != nil {
			return err
		}
		row := apiKeyRow{CityID: orNull(k.CityID), Name: k.Name, Hash: hash, Rights: joinRights(k.Rights), Created: millis(k.Created), Expires: millis(k.Expires), MadeBy: k.MadeBy}
		err := tx.Create(&row).Error
		k.ID = row.ID
		return err
	})
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = ErrNotFound
	}
	if err != nil {
		return apikey.Key{}, fmt.Errorf("store key: %w", err)
	}
	return k, nil
}

// roomForAPIKey is ErrTooMany where a city has as many keys as it may; the operator where
// cityID is 0.
func roomForAPIKey(tx *gorm.DB, cityID int64) error {
	err := LockNames(tx, "api_keys:"+strconv.FormatInt(cityID, 10))
	if err != nil {
		return err
	}
	var n int
	err = queryRow(tx, "SELECT count(*) FROM api_keys WHERE city_id IS NOT DISTINCT FROM ?", orNull(cityID)).Scan(&n)
	if err != nil {
		return err
	}
	if n >= MaxAPIKeys {
		return ErrTooMany
	}
	return nil
}

// FindAPIKey returns the key with that hash, or ErrNotFound. Whether it has expired is for
// the caller to see.
func (d *DB) FindAPIKey(ctx context.Context, hash string) (apikey.Key, error) {
	list, err := d.apiKeys(ctx, "k.hash = ?", hash)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("key: %w", ErrNotFound)
	}
	if err != nil {
		return apikey.Key{}, err
	}
	return list[0], nil
}

// HasAPIKey tells whether a key is there still.
func (d *DB) HasAPIKey(ctx context.Context, id int64) (bool, error) {
	list, err := d.apiKeys(ctx, "k.id = ?", id)
	return len(list) > 0, err
}

// APIKeys returns the keys of a city, the newest first.
func (d *DB) APIKeys(ctx context.Context, cityID int64) ([]apikey.Key, error) {
	return d.apiKeys(ctx, "k.city_id = ?", cityID)
}

// AllAPIKeys returns the keys of all cities and of the operator, the newest first.
func (d *DB) AllAPIKeys(ctx context.Context) ([]apikey.Key, error) {
	return d.apiKeys(ctx, "TRUE")
}

func (d *DB) apiKeys(ctx context.Context, where string, args ...any) ([]apikey.Key, error) {
	rows, err := d.query(ctx, `SELECT k.id, coalesce(k.city_id, 0), coalesce(c.slug, ''), k.name, k.rights, k.created, k.used, k.expires, k.made_by
		FROM api_keys AS k LEFT JOIN cities AS c ON c.id = k.city_id WHERE `+where+` ORDER BY k.id DESC`, args...)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	defer rows.Close()
	var list []apikey.Key
	for rows.Next() {
		var k apikey.Key
		var rights string
		var created, used, expires int64
		if err := rows.Scan(&k.ID, &k.CityID, &k.Slug, &k.Name, &rights, &created, &used, &expires, &k.MadeBy); err != nil {
			return nil, fmt.Errorf("keys: %w", err)
		}
		for right := range strings.FieldsSeq(rights) {
			k.Rights = append(k.Rights, apikey.Right(right))
		}
		k.Created, k.Used, k.Expires = fromMillis(created), fromMillis(used), fromMillis(expires)
		list = append(list, k)
	}
	return list, d.ended(rows)
}

// usedEvery is how often it is stored that a key was used.
const usedEvery = time.Minute

// UseAPIKey stores that the key is used now, where that was not stored within the last
// minute.
func (d *DB) UseAPIKey(ctx context.Context, k apikey.Key) error {
	now := d.now()
	if now.Sub(k.Used) < usedEvery {
		return nil
	}
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, "UPDATE api_keys SET used = ? WHERE id = ?", millis(now), k.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("store that a key was used: %w", err)
	}
	return nil
}

// RemoveAPIKey removes a key of a city; of whomever where cityID is 0. The error is
// ErrNotFound where there is none.
func (d *DB) RemoveAPIKey(ctx context.Context, cityID, id int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return oneRow(tx.Exec("DELETE FROM api_keys WHERE id = ?1 AND (city_id = ?2 OR ?2 = 0)", id, cityID))
	})
	if err != nil {
		return fmt.Errorf("remove key: %w", err)
	}
	return nil
}

// orNull is how an id is stored that may be none.
func orNull(id int64) sql.NullInt64 { return sql.NullInt64{Int64: id, Valid: id != 0} }

func joinRights(rights []apikey.Right) string {
	return strings.ReplaceAll(apikey.Join(rights), ",", "")
}
