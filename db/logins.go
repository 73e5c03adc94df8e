package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Login is one browser in which a moderator is logged in. Where that was is not
// stored.
type Login struct {
	ID      int64
	Browser string    // what the browser says it is, roughly; may be empty
	Made    time.Time // when the moderator logged in
	Used    time.Time // the day of the last visit
}

type loginRow struct {
	ID, ModeratorID int64
	Browser         string
	Made, Used      int64
}

func (loginRow) TableName() string { return "logins" }

func (r loginRow) login() Login {
	return Login{ID: r.ID, Browser: r.Browser, Made: fromMillis(r.Made), Used: fromMillis(r.Used)}
}

// loginKept is how long a login is kept that nobody uses. Sessions end sooner.
const loginKept = 31 * 24 * time.Hour

// LogIn stores a login of a moderator whose password was just checked. The error
// is ErrNotFound if the moderator was removed, or has another password, by now.
func (d *DB) LogIn(ctx context.Context, m Moderator, browser string) (Login, error) {
	var row loginRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		// Who sets another password ends all logins, this one too.
		if err := Lock(tx, "moderators", m.ID); err != nil {
			return err
		}
		if _, err := Take[moderatorRow](tx.Where("id = ? AND password = ?", m.ID, m.Password)); err != nil {
			return err
		}
		row = loginRow{ModeratorID: m.ID, Browser: browser, Made: millis(d.now()), Used: d.today()}
		return tx.Create(&row).Error
	})
	if err != nil {
		return Login{}, fmt.Errorf("log in: %w", err)
	}
	return row.login(), nil
}

// today is the day that it is, by which nobody can tell when somebody was here.
func (d *DB) today() int64 { return millis(d.now().Truncate(24 * time.Hour)) }

// LoggedIn returns the moderator of a login, or ErrNotFound if it has ended, and
// notes that it is in use.
func (d *DB) LoggedIn(ctx context.Context, id int64) (Moderator, error) {
	var r moderatorRow
	var used int64
	err := d.ReadRow(ctx, `SELECT m.id, m.email, m.password, m.created, l.used
		FROM logins AS l JOIN moderators AS m ON m.id = l.moderator_id WHERE l.id = ?`, id).
		Scan(&r.ID, &r.Email, &r.Password, &r.Created, &used)
	if err == nil && used != d.today() {
		err = d.Write(ctx, func(tx *gorm.DB) error {
			return tx.Model(&loginRow{}).Where("id = ?", id).Update("used", d.today()).Error
		})
	}
	if err != nil {
		return Moderator{}, fmt.Errorf("find login: %w", err)
	}
	return r.moderator(), nil
}

// Logins returns a moderator's logins, the last made first.
func (d *DB) Logins(ctx context.Context, moderatorID int64) ([]Login, error) {
	var rows []loginRow
	if err := d.Read(ctx).Where("moderator_id = ? AND used >= ?", moderatorID, d.since(loginKept)).Order("id DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list logins: %w", err)
	}
	return mapRows(rows, loginRow.login), nil
}

// EndLogin ends a login of the moderator. It does nothing if it has ended.
func (d *DB) EndLogin(ctx context.Context, moderatorID, id int64) error {
	return d.endLogins(ctx, "moderator_id = ? AND id = ?", moderatorID, id)
}

// EndOtherLogins ends the moderator's logins but for one.
func (d *DB) EndOtherLogins(ctx context.Context, moderatorID, keep int64) error {
	return d.endLogins(ctx, "moderator_id = ? AND id <> ?", moderatorID, keep)
}

func (d *DB) endLogins(ctx context.Context, where string, args ...any) error {
	err := d.Write(ctx, func(tx *gorm.DB) error { return tx.Where(where, args...).Delete(&loginRow{}).Error })
	if err != nil {
		return fmt.Errorf("end login: %w", err)
	}
	return nil
}
