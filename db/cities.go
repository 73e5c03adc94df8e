package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

type cityRow struct {
	ID                                            int64
	Slug, Name, Language, Triggers, Blocked, Page string
	Created, Paused                               int64
	Questions, Replies                            bool
	Zone, Poster                                  string
	NoIndex                                       bool
	Tasks                                         string
	Suspended                                     int64
	SuspendedFor                                  string
	Deleted                                       int64
	Waiting                                       bool
	Approval                                      string
	NoLinks, Short, NoContact                     bool
	Answers, Defaults                             string
}

func (cityRow) TableName() string { return "cities" }

func (r cityRow) city() report.City {
	return report.City{ID: r.ID, Slug: r.Slug, Name: r.Name, Language: r.Language,
		Triggers: r.Triggers, Blocked: r.Blocked, Page: r.Page, Created: fromMillis(r.Created), Paused: fromMillis(r.Paused),
		Questions: r.Questions, Replies: r.Replies, Zone: r.Zone, Poster: r.Poster, NoIndex: r.NoIndex, Tasks: r.Tasks,
		Suspended: fromMillis(r.Suspended), SuspendedFor: r.SuspendedFor, Deleted: fromMillis(r.Deleted), Waiting: r.Waiting,
		Approval: report.Approval(r.Approval), NoLinks: r.NoLinks, Short: r.Short, NoContact: r.NoContact,
		Answers: r.Answers, Defaults: r.Defaults}
}

func toCityRow(c report.City) cityRow {
	return cityRow{ID: c.ID, Slug: c.Slug, Name: c.Name, Language: c.Language,
		Triggers: c.Triggers, Blocked: c.Blocked, Page: c.Page, Created: millis(c.Created), Paused: millis(c.Paused),
		Questions: c.Questions, Replies: c.Replies, Zone: c.Zone, Poster: c.Poster, NoIndex: c.NoIndex, Tasks: c.Tasks,
		Suspended: millis(c.Suspended), SuspendedFor: c.SuspendedFor, Deleted: millis(c.Deleted), Waiting: c.Waiting,
		Approval: string(c.Approval), NoLinks: c.NoLinks, Short: c.Short, NoContact: c.NoContact,
		Answers: c.Answers, Defaults: c.Defaults}
}

// CreateCity stores a new city with one enabled bot on each of the networks,
// and makes the moderator one of its moderators. The error is ErrTaken if the
// slug is in use, or was by a city that was deleted: see SlugKept.
func (d *DB) CreateCity(ctx context.Context, c report.City, moderatorID int64, networks []string) (report.City, error) {
	row := toCityRow(c)
	err := d.Write(ctx, func(tx *gorm.DB) error {
		row = toCityRow(c)
		return d.createCity(tx, &row, moderatorID, networks)
	})
	if err != nil {
		return report.City{}, fmt.Errorf("create city %s: %w", c.Slug, taken(err))
	}
	return row.city(), nil
}

func (d *DB) createCity(tx *gorm.DB, row *cityRow, moderatorID int64, networks []string) error {
	row.ID, row.Created, row.Questions, row.Replies = 0, millis(d.now()), true, true
	if err := Lock(tx, "moderators", moderatorID); err != nil { // is deleted with the last of their cities
		return err
	}
	if err := aliasFree(tx, row.Slug); err != nil {
		return err
	}
	if err := tx.Create(row).Error; err != nil {
		return err
	}
	// It is asked now: the slug's city may have been deleted a moment before that.
	if kept, err := d.slugKept(tx, row.Slug); err != nil || kept {
		return errors.Join(err, ErrTaken)
	}
	if _, err := d.addMember(tx, row.ID, moderatorID, report.Owner); err != nil {
		return err
	}
	for _, network := range networks {
		if err := tx.Create(d.newBotRow(row.ID, network)).Error; err != nil {
			return err
		}
	}
	return d.CityChanged(tx, row.ID)
}

// City returns the city with that id, or ErrNotFound.
func (d *DB) City(ctx context.Context, id int64) (report.City, error) {
	return scanCity(d.ReadRow(ctx, "SELECT "+cityColumns+" FROM cities AS c WHERE id = ?", id))
}

// BriefCity is City without what is long: the rules and the text of the page.
func (d *DB) BriefCity(ctx context.Context, id int64) (report.City, error) {
	return scanCity(d.ReadRow(ctx, "SELECT "+briefColumns+" FROM cities AS c WHERE id = ?", id))
}

// Slug returns what the log calls a city: its slug, its number where that cannot be read, and
// nothing for 0, which stands for all.
func (d *DB) Slug(ctx context.Context, cityID int64) string {
	if cityID == 0 {
		return ""
	}
	c, err := d.BriefCity(context.WithoutCancel(ctx), cityID)
	if err != nil {
		return strconv.FormatInt(cityID, 10)
	}
	return c.Slug
}

// FindCity returns the city with that slug, or of which it is an alias; or ErrNotFound.
func (d *DB) FindCity(ctx context.Context, slug string) (report.City, error) {
	return scanCity(d.ReadRow(ctx, "SELECT "+cityColumns+" FROM cities AS c WHERE "+bySlug, slug))
}

// bySlug selects the city c with the slug ?1, or of which that is an alias.
const bySlug = "c.id = coalesce((SELECT id FROM cities WHERE slug = ?1), (SELECT city_id FROM city_aliases WHERE slug = ?1))"

// FindCityBot returns the city with that slug or alias, as BriefCity does, and its bot
// on a network. The error is ErrNotFound if either is missing. If only the bot
// is missing, the city is returned with the error.
func (d *DB) FindCityBot(ctx context.Context, slug, network string) (report.City, report.Bot, error) {
	var b botRow
	city, err := scanCity(d.ReadRow(ctx, `SELECT `+briefColumns+`,
			coalesce(b.id, 0), coalesce(b.enabled, FALSE), coalesce(b.state, ''), coalesce(b.last_error, ''),
			coalesce(b.error_at, 0), coalesce(b.restarts, 0), coalesce(b.updated, 0), coalesce(b.version, 0), coalesce(b.answers, ''), coalesce(b.since, 0)
		FROM cities AS c LEFT JOIN bots AS b ON b.city_id = c.id AND b.network = ?2 WHERE `+bySlug, slug, network),
		&b.ID, &b.Enabled, &b.State, &b.LastError, &b.ErrorAt, &b.Restarts, &b.Updated, &b.Version, &b.Answers, &b.Since)
	if err != nil {
		return report.City{}, report.Bot{}, err
	}
	if b.ID == 0 {
		return city, report.Bot{}, fmt.Errorf("bot: %w", ErrNotFound)
	}
	b.CityID, b.Network = city.ID, network
	return city, b.bot(), nil
}

// cityColumns are the columns of table c that scanCity reads. briefColumns
// leaves the long ones empty.
const (
	cityColumns  = "c.id, c.slug, c.name, c.language, c.triggers, c.blocked, c.page, c.created, c.paused, c.questions, c.replies, c.zone, c.poster, c.no_index, c.tasks, " + deskColumns
	briefColumns = "c.id, c.slug, c.name, c.language, '', '', '', c.created, c.paused, c.questions, c.replies, c.zone, '', c.no_index, c.tasks, " + deskColumns
	deskColumns  = "c.suspended, c.suspended_for, c.deleted, c.waiting, c.approval, c.no_links, c.short, c.no_contact, c.answers, c.defaults"
)

// scanCity reads cityColumns, and the columns that follow them into more.
func scanCity(row Row, more ...any) (report.City, error) {
	var c report.City
	var created, paused, suspended, deleted int64
	err := row.Scan(append([]any{&c.ID, &c.Slug, &c.Name, &c.Language, &c.Triggers, &c.Blocked, &c.Page, &created, &paused, &c.Questions, &c.Replies, &c.Zone, &c.Poster, &c.NoIndex, &c.Tasks,
		&suspended, &c.SuspendedFor, &deleted, &c.Waiting, &c.Approval, &c.NoLinks, &c.Short, &c.NoContact, &c.Answers, &c.Defaults}, more...)...)
	if err != nil {
		return report.City{}, fmt.Errorf("city: %w", err)
	}
	c.Created, c.Paused = fromMillis(created), fromMillis(paused)
	c.Suspended, c.Deleted = fromMillis(suspended), fromMillis(deleted)
	return c, nil
}

// Cities returns the cities whose name or slug contains search, sorted by name,
// at most limit of them.
func (d *DB) Cities(ctx context.Context, search string, limit int) ([]report.City, error) {
	return listCities(d.Read(ctx), search, limit)
}

// OpenCities is Cities without those that are off.
func (d *DB) OpenCities(ctx context.Context, search string, limit int) ([]report.City, error) {
	return listCities(d.Read(ctx).Where("suspended = 0 AND deleted = 0 AND waiting = FALSE"), search, limit)
}

func listCities(of *gorm.DB, search string, limit int) ([]report.City, error) {
	q := of.Order("lower(name), name, id").Limit(limit)
	if search != "" {
		q = q.Where("instr(lower(name), lower(?)) > 0 OR instr(slug, lower(?)) > 0 OR instr(name, ?) > 0", search, search, search)
	}
	var rows []cityRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list cities: %w", err)
	}
	return mapRows(rows, cityRow.city), nil
}

// ChangeCity stores what change makes of a city, but for its id, its slug and its times,
// and returns it. change may be called twice; where it fails, nothing is stored. The bots
// of the city restart where its name or its language was changed, which they use.
func (d *DB) ChangeCity(ctx context.Context, cityID int64, change func(*report.City) error) (report.City, error) {
	var c report.City
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := Lock(tx, "cities", cityID); err != nil {
			return err
		}
		row, err := Take[cityRow](tx.Where("id = ?", cityID))
		if err != nil {
			return err
		}
		before := row.city()
		c = before
		if err := change(&c); err != nil || c == before {
			return err
		}
		next := toCityRow(c)
		if err := tx.Model(&row).Select("*").Omit("id", "slug", "created", "paused", "suspended", "suspended_for", "deleted", "waiting").Updates(&next).Error; err != nil {
			return err
		}
		if err := d.CityChanged(tx, cityID); err != nil || c.Name == before.Name && c.Language == before.Language {
			return err
		}
		return d.restartBots(tx, cityID)
	})
	if err != nil {
		return report.City{}, fmt.Errorf("save city: %w", err)
	}
	return c, nil
}

// restartBots has the bots of a city be made again.
func (d *DB) restartBots(tx *gorm.DB, cityID int64) error {
	return tx.Model(&botRow{}).Where("city_id = ?", cityID).Updates(map[string]any{"updated": millis(d.now()), "version": gorm.Expr("version + 1")}).Error
}

func (d *DB) updateCity(ctx context.Context, cityID int64, values map[string]any) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return oneRow(tx.Model(&cityRow{}).Where("id = ?", cityID).Updates(values))
	})
	if err != nil {
		return fmt.Errorf("save city: %w", err)
	}
	return nil
}

// DeleteCity deletes a city with its bots, reports and moderators' rights, and
// the moderators who have no other city. Its slug is kept from others for a year:
// see FreeSlug. It does not touch the networks' own
// tables: call bots.Network.Forget first.
func (d *DB) DeleteCity(ctx context.Context, cityID int64) error {
	if err := d.deleteReports(ctx, swiftly, "state = 'judged' AND city_id = ?", cityID); err != nil {
		return fmt.Errorf("delete city: %w", err)
	}
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := lockWhole(tx, "cities", cityID); err != nil {
			return err
		}
		var moderators []int64
		if err := tx.Model(&cityModeratorRow{}).Where("city_id = ?", cityID).Pluck("moderator_id", &moderators).Error; err != nil {
			return err
		}
		if err := lockRows(tx, "moderators", moderators); err != nil {
			return err
		}
		if err := deleteCityReports(tx, cityID); err != nil {
			return err
		}
		if err := d.keepSlug(tx, cityID); err != nil {
			return err
		}
		if err := oneRow(tx.Where("id = ?", cityID).Delete(&cityRow{})); err != nil {
			return err
		}
		if err := d.CityChanged(tx, cityID); err != nil {
			return err
		}
		return deleteIdle(tx, moderators)
	})
	if err != nil {
		return fmt.Errorf("delete city: %w", err)
	}
	return nil
}

// deleteCityReports deletes the reports of a city with all that belongs to them. Each
// index that has cities has the reports of one state.
func deleteCityReports(tx *gorm.DB, cityID int64) error {
	for _, state := range []string{"heard", "held", "judged"} {
		theirs := "(SELECT seq FROM reports WHERE city_id = ? AND state = '" + state + "')"
		for _, from := range []string{"fanouts WHERE report", "outcomes WHERE report", "receipts WHERE report", "reports WHERE seq"} {
			if _, err := Exec(tx, "DELETE FROM "+from+" IN "+theirs, cityID); err != nil {
				return err
			}
		}
	}
	return nil
}

// oneRow returns ErrNotFound if the statement changed no row.
func oneRow(result *gorm.DB) error {
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected == 0 {
		return ErrNotFound
	}
	return nil
}

// mapRows turns rows into domain types.
func mapRows[R, T any](rows []R, f func(R) T) []T {
	list := make([]T, len(rows))
	for i, r := range rows {
		list[i] = f(r)
	}
	return list
}

// since returns the time that long before now.
func (d *DB) since(ago time.Duration) int64 { return millis(d.now().Add(-ago)) }
