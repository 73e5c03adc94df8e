package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
)

// Member is a moderator as one of a city's.
type Member struct {
	Moderator
	Role  report.Role
	Since time.Time // when they became one; zero: not known
	Seen  time.Time // the day of their last visit; zero: they are logged in nowhere
}

type cityModeratorRow struct {
	CityID      int64
	ModeratorID int64
	Role        string
	Since       int64
}

func (cityModeratorRow) TableName() string { return "city_moderators" }

// Members returns a city's moderators with their roles, by address.
func (d *DB) Members(ctx context.Context, cityID int64) ([]Member, error) {
	rows, err := d.query(ctx, `SELECT m.id, m.email, m.password, m.created, cm.role, cm.since,
			coalesce((SELECT max(used) FROM logins AS l WHERE l.moderator_id = m.id), 0)
		FROM city_moderators AS cm JOIN moderators AS m ON m.id = cm.moderator_id WHERE cm.city_id = ? ORDER BY m.email`, cityID)
	if err != nil {
		return nil, fmt.Errorf("list moderators: %w", err)
	}
	defer rows.Close()
	var list []Member
	for rows.Next() {
		var m Member
		var created, since, seen int64
		if err := rows.Scan(&m.ID, &m.Email, &m.Password, &created, &m.Role, &since, &seen); err != nil {
			return nil, fmt.Errorf("list moderators: %w", err)
		}
		m.Created, m.Since, m.Seen = fromMillis(created), fromMillis(since), fromMillis(seen)
		list = append(list, m)
	}
	return list, d.ended(rows)
}

// Roles returns the roles that a moderator has, by the ids of their cities.
func (d *DB) Roles(ctx context.Context, moderatorID int64) (map[int64]report.Role, error) {
	var rows []cityModeratorRow
	if err := d.Read(ctx).Where("moderator_id = ?", moderatorID).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("roles of moderator: %w", err)
	}
	roles := make(map[int64]report.Role, len(rows))
	for _, r := range rows {
		roles[r.CityID] = report.Role(r.Role)
	}
	return roles, nil
}

// AddMember makes the moderator with an address one of a city's, and makes them where there
// is none: without a password. The error is ErrTaken if they are one already, and ErrNotFound
// if the city is gone.
func (d *DB) AddMember(ctx context.Context, cityID int64, email string, role report.Role) (Moderator, error) {
	var moderator moderatorRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := Lock(tx, "cities", cityID); err != nil {
			return err
		}
		moderator = moderatorRow{Email: email, Created: millis(d.now())}
		if err := findOrCreateModerator(tx, &moderator); err != nil {
			return err
		}
		added, err := d.addMember(tx, cityID, moderator.ID, role)
		if err == nil && !added {
			err = ErrTaken
		}
		return err
	})
	if err != nil {
		return Moderator{}, fmt.Errorf("add moderator: %w", err)
	}
	return moderator.moderator(), nil
}

// addMember is false where they are one already: their role stays.
func (d *DB) addMember(tx *gorm.DB, cityID, moderatorID int64, role report.Role) (bool, error) {
	result, err := Exec(tx, "INSERT INTO city_moderators (city_id, moderator_id, role, since) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		cityID, moderatorID, string(role), millis(d.now()))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// SetRole gives a moderator of a city another role, and returns the one that they had. What
// they have made and may not make any more ends: see endMade. A city's last owner stays one:
// the error is ErrTaken.
func (d *DB) SetRole(ctx context.Context, cityID, moderatorID int64, role report.Role) (before report.Role, err error) {
	err = d.Write(ctx, func(tx *gorm.DB) error {
		if before, err = lockMember(tx, cityID, moderatorID); err != nil || before == role {
			return err
		}
		if err := ownerStays(tx, cityID, before); err != nil {
			return err
		}
		_, err := Exec(tx, "UPDATE city_moderators SET role = ? WHERE city_id = ? AND moderator_id = ?", string(role), cityID, moderatorID)
		if err != nil {
			return err
		}
		return endMade(tx, cityID, moderatorID, role)
	})
	if err != nil {
		return "", fmt.Errorf("change role: %w", err)
	}
	return before, nil
}

// RemoveModerator takes a moderator's rights on a city away. The invitations and keys of the
// API that they have made end. A city's last owner cannot be removed: the error is ErrTaken. A
// moderator who has no other city is deleted, but for operators.
func (d *DB) RemoveModerator(ctx context.Context, cityID, moderatorID int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		role, err := lockMember(tx, cityID, moderatorID)
		if err != nil {
			return err
		}
		if err := ownerStays(tx, cityID, role); err != nil {
			return err
		}
		if err := tx.Where("city_id = ? AND moderator_id = ?", cityID, moderatorID).Delete(&cityModeratorRow{}).Error; err != nil {
			return err
		}
		if err := endMade(tx, cityID, moderatorID, ""); err != nil {
			return err
		}
		return deleteIdle(tx, []int64{moderatorID})
	})
	if err != nil {
		return fmt.Errorf("remove moderator: %w", err)
	}
	return nil
}

// lockMember returns the role of a moderator in a city. Others who change who its moderators
// are wait until tx ends: two who remove each other must not leave it with no owner.
func lockMember(tx *gorm.DB, cityID, moderatorID int64) (role report.Role, err error) {
	if err := Lock(tx, "cities", cityID); err != nil {
		return "", err
	}
	if err := Lock(tx, "moderators", moderatorID); err != nil {
		return "", err
	}
	row, err := Take[cityModeratorRow](tx.Where("city_id = ? AND moderator_id = ?", cityID, moderatorID))
	return report.Role(row.Role), err
}

// ownerStays is ErrTaken where one with that role is a city's last owner.
func ownerStays(tx *gorm.DB, cityID int64, role report.Role) error {
	var owners int64
	err := tx.Model(&cityModeratorRow{}).Where("city_id = ? AND role = ?", cityID, string(report.Owner)).Count(&owners).Error
	if err == nil && role == report.Owner && owners == 1 {
		err = ErrTaken
	}
	return err
}

// endMade ends what a moderator has made in a city and may not make with the role that they
// have now: only owners invite and make keys that do, and helpers make no keys.
func endMade(tx *gorm.DB, cityID, moderatorID int64, now report.Role) error {
	if now.May(report.Owner) {
		return nil
	}
	if _, err := Exec(tx, "DELETE FROM invitations WHERE city_id = ? AND made_by = ?", cityID, moderatorID); err != nil {
		return err
	}
	keys := "DELETE FROM api_keys WHERE city_id = ? AND made_by = ?"
	if now.May(report.Moderator) {
		keys += " AND instr(' ' || rights || ' ', ' " + string(apikey.People) + " ') > 0"
	}
	_, err := Exec(tx, keys, cityID, moderatorID)
	return err
}

// deleteIdle deletes those of the moderators who have no city, but for operators.
func deleteIdle(tx *gorm.DB, moderators []int64) error {
	return tx.Exec(`DELETE FROM moderators WHERE id IN ? AND id NOT IN (SELECT moderator_id FROM city_moderators)
		AND id NOT IN (SELECT moderator_id FROM operators)`, moderators).Error
}
