package db

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/internal/secret"
)

// today is the day in UTC by the server's clock, as all processes have it.
const today = "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD')"

// DayKey returns the day in UTC by the server's clock, as "2026-11-27", and the key that all
// processes have for it. It was made at random, and that of another day is gone for good: the
// table that holds it, sealed by box, is in no log of the server, and what was in it goes with
// its file. Where the server has crashed there is another key, also that day.
func (d *DB) DayKey(ctx context.Context, box *secret.Box) (day string, key [32]byte, err error) {
	var sealed string
	err = d.ReadRow(ctx, "SELECT day, value FROM day_keys WHERE day = "+today).Scan(&day, &sealed)
	if errors.Is(err, ErrNotFound) {
		day, sealed, err = d.makeDayKey(ctx, box)
	}
	var text string
	if err == nil {
		text, err = box.Open(dayKeyPlace(day), sealed)
	}
	if err == nil {
		_, err = hex.Decode(key[:], []byte(text))
	}
	if err != nil {
		return "", key, fmt.Errorf("key of the day: %w", err)
	}
	return day, key, nil
}

// makeDayKey makes the key of the day where no other process has.
func (d *DB) makeDayKey(ctx context.Context, box *secret.Box) (day, sealed string, err error) {
	var key [32]byte
	_, _ = rand.Read(key[:]) // it never fails
	err = d.Write(ctx, func(tx *gorm.DB) error {
		if err := forgetDayKeys(tx); err != nil {
			return err
		}
		err := queryRow(tx, "SELECT day, value FROM day_keys").Scan(&day, &sealed)
		if !errors.Is(notFound(err), ErrNotFound) {
			return err
		}
		if err := queryRow(tx, "SELECT "+today).Scan(&day); err != nil {
			return err
		}
		sealed = box.Seal(dayKeyPlace(day), hex.EncodeToString(key[:]))
		_, err = Exec(tx, "INSERT INTO day_keys (day, value) VALUES (?, ?)", day, sealed)
		return err
	})
	return day, sealed, err
}

// forgetDayKeys forgets the keys of other days, and has others who do so wait. To truncate
// a table takes the file with what was in it; to delete would leave that in there.
func forgetDayKeys(tx *gorm.DB) error {
	if _, err := Exec(tx, "LOCK TABLE day_keys IN EXCLUSIVE MODE"); err != nil {
		return err
	}
	var old bool
	err := queryRow(tx, "SELECT EXISTS (SELECT 1 FROM day_keys WHERE day <> "+today+")").Scan(&old)
	if err == nil && old {
		_, err = Exec(tx, "TRUNCATE day_keys")
	}
	return err
}

// cleanDayKeys forgets a key whose day is over, also where nobody writes any more.
func (d *DB) cleanDayKeys(ctx context.Context) error {
	if !d.OnServer() {
		return nil
	}
	var old bool
	if err := d.ReadRow(ctx, "SELECT EXISTS (SELECT 1 FROM day_keys WHERE day <> "+today+")").Scan(&old); err != nil || !old {
		return err
	}
	return d.Write(ctx, forgetDayKeys)
}

// dayKeyPlace is where a key is stored, which sealing binds it to.
func dayKeyPlace(day string) string { return "day_keys.value:" + day }
