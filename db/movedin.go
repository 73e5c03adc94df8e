package db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
	"gorm.io/gorm"

	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// Arrival is a transaction in which cities of an installation of another program come here, or
// more of those that have come.
type Arrival struct {
	db     *DB
	tx     *gorm.DB
	box    *secret.Box
	source int64
	// Another tells that cities came before by the same key which are not of this installation.
	Another bool
	// Wanted are slugs that a city whose own slug is taken leaves to others.
	Wanted map[string]bool
}

// Installation is one of another program.
type Installation struct {
	Program, Key string
	Secret       []byte           // opens the links in its old mails; nil: none
	Cities       map[int64]string // their names there, by their numbers
}

// key is what the installation is known by. Its own may be that of another one: two Kibicaras
// may have one first admin. The numbers of their cities are alike then, and their names are not.
func (i Installation) key(tx *gorm.DB) (string, error) {
	for n := 1; ; n++ {
		key := i.Key
		if n > 1 {
			key += "/" + strconv.Itoa(n)
		}
		var before []struct {
			Old  int64
			Name string
		}
		err := tx.Raw("SELECT c.old, c.name FROM moved_cities AS c JOIN moved_sources AS s ON s.id = c.source_id WHERE s.program = ? AND s.key = ?", i.Program, key).Scan(&before).Error
		if err != nil {
			return "", err
		}
		same, other := 0, 0
		for _, c := range before {
			switch name, there := i.Cities[c.Old]; {
			case there && FormerName(name) == FormerName(c.Name):
				same++
			case there:
				other++
			}
		}
		if same >= other { // one may have been renamed there
			return key, nil
		}
	}
}

// Arrive runs do in one transaction: where it fails, nothing is stored. It may be run twice.
func (d *DB) Arrive(ctx context.Context, box *secret.Box, from Installation, do func(*Arrival) error) error {
	err := d.WriteLong(ctx, func(tx *gorm.DB) error {
		a := &Arrival{db: d, tx: tx, box: box}
		if err := LockNames(tx, "moved:"+from.Program); err != nil { // two imports at once take turns
			return err
		}
		key, err := from.key(tx)
		if err != nil {
			return err
		}
		a.Another = key != from.Key
		err = tx.Raw(`INSERT INTO moved_sources (program, key, secret, created) VALUES (?, ?, '', ?)
			ON CONFLICT (program, key) DO UPDATE SET created = moved_sources.created RETURNING id`, from.Program, key, millis(d.now())).Scan(&a.source).Error
		if err != nil {
			return err
		}
		if len(from.Secret) > 0 {
			err = tx.Exec("UPDATE moved_sources SET secret = ? WHERE id = ?", box.Seal(movedSecretPlace(a.source), string(from.Secret)), a.source).Error
		}
		if err != nil {
			return err
		}
		return do(a)
	})
	if err != nil {
		return fmt.Errorf("import cities: %w", err)
	}
	return nil
}

// movedSecretPlace is where the secret of a source is stored.
func movedSecretPlace(source int64) string {
	return "moved_sources.secret:" + strconv.FormatInt(source, 10)
}

// Tx is the transaction, for networks to store in.
func (a *Arrival) Tx() *gorm.DB { return a.tx }

// Arrived is what an earlier import has made of a city or bot.
type Arrived struct {
	Known bool
	ID    int64  // 0: it was deleted here
	Last  int64  // the highest number that was taken over of a moderator, or recipient
	Name  string // of a city: as it was there when it came
}

// City returns what has become of the city with a number of the installation.
func (a *Arrival) City(old int64) (Arrived, error) {
	return a.arrived("SELECT coalesce(city_id, 0) AS id, last, name FROM moved_cities WHERE source_id = ? AND old = ?", a.source, old)
}

// Bot returns what has become of a bot of such a city.
func (a *Arrival) Bot(city int64, network string, old int64) (Arrived, error) {
	return a.arrived("SELECT coalesce(bot_id, 0) AS id, last FROM moved_bots WHERE source_id = ? AND city = ? AND network = ? AND old = ?", a.source, city, network, old)
}

func (a *Arrival) arrived(query string, args ...any) (Arrived, error) {
	var found []Arrived
	err := a.tx.Raw(query, args...).Scan(&found).Error
	if err != nil || len(found) == 0 {
		return Arrived{}, err
	}
	found[0].Known = true
	return found[0], nil
}

// KnownCity is a city that has come before, as it is now.
func (a *Arrival) KnownCity(id int64) (report.City, error) {
	row, err := Take[cityRow](a.tx.Where("id = ?", id))
	return row.city(), err
}

// NewCity makes a city of a copy, without its moderators and bots, for that number and name of
// the installation. Its slug is that of the copy or, where it cannot be had, one with a number
// behind it. left are aliases that others have.
func (a *Arrival) NewCity(old int64, name string, from CityCopy) (c report.City, left []string, err error) {
	slug, err := a.slug(from.Slug)
	if err != nil {
		return c, nil, err
	}
	row := pastedCity(from, slug)
	if err := a.db.pasteNames(a.tx, &row, from.Aliases, &left); err != nil {
		return c, nil, err
	}
	if err := a.db.pasteRows(a.tx, a.box, row.ID, from); err != nil {
		return c, nil, err
	}
	if err := a.db.CityChanged(a.tx, row.ID); err != nil {
		return c, nil, err
	}
	err = a.tx.Exec("INSERT INTO moved_cities (source_id, old, name, city_id) VALUES (?, ?, ?, ?)", a.source, old, name, row.ID).Error
	return row.city(), left, err
}

// slug returns one that no city has: the one that is wanted, where it can be one.
func (a *Arrival) slug(wanted string) (string, error) {
	if wanted == "" {
		wanted = "city"
	}
	const longest = 40
	for n := 1; ; n++ {
		slug := wanted
		if n > 1 {
			behind := "-" + strconv.Itoa(n)
			slug = strings.TrimSuffix(wanted[:min(len(wanted), longest-len(behind))], "-") + behind
		}
		if n > 1 && a.Wanted[slug] {
			continue
		}
		if report.CheckSlug(slug) != nil {
			if n > 1 {
				return "", fmt.Errorf("no name in addresses can be made of %q", wanted)
			}
			continue
		}
		taken, err := a.slugTaken(slug)
		if err != nil || !taken {
			return slug, err
		}
	}
}

// slugTaken tells whether a slug leads to a city. That of a deleted one may be had.
func (a *Arrival) slugTaken(slug string) (taken bool, err error) {
	if err := LockNames(a.tx, slugLock(slug)); err != nil {
		return false, err
	}
	err = queryRow(a.tx, "SELECT EXISTS (SELECT 1 FROM cities WHERE slug = ?1) OR EXISTS (SELECT 1 FROM city_aliases WHERE slug = ?1)", slug).Scan(&taken)
	return taken, err
}

// Moderator makes somebody a moderator of a city; added is false where they are one. own tells
// that they log in with the password of m, and not with one that they have here already.
func (a *Arrival) Moderator(cityID int64, m ModeratorCopy) (added, own bool, err error) {
	row := moderatorRow{Email: m.Email, Password: m.Password, Created: m.Created}
	if err := findOrCreateModerator(a.tx, &row); err != nil {
		return false, false, err
	}
	added, err = a.db.addMember(a.tx, cityID, row.ID, report.Role(m.Role))
	return added, row.Password == m.Password, err
}

// Reached stores the highest number of a moderator of a city that was taken over.
func (a *Arrival) Reached(old, last int64) error {
	return a.tx.Exec("UPDATE moved_cities SET last = ? WHERE source_id = ? AND old = ? AND last < ?", last, a.source, old, last).Error
}

// NewBot makes a bot of a city.
func (a *Arrival) NewBot(cityID int64, network string, enabled bool) (report.Bot, error) {
	row := a.db.newBotRow(cityID, network)
	if row.Enabled = enabled; !enabled {
		row.State = string(report.BotOff)
	}
	err := a.tx.Create(row).Error
	return row.bot(), err
}

// BotReached stores which bot, 0: none, has become of a bot of the installation, and the
// highest number of a recipient that was taken over.
func (a *Arrival) BotReached(city int64, network string, old, botID, last int64) error {
	var id any
	if botID != 0 {
		id = botID
	}
	return a.tx.Exec(`INSERT INTO moved_bots (source_id, city, network, old, bot_id, last) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (source_id, city, network, old) DO UPDATE SET last = excluded.last`, a.source, city, network, old, id, last).Error
}

// Name has a name lead to a city which is no slug, as it was typed in the other program. taken
// tells that it leads to another one already.
func (a *Arrival) Name(cityID int64, name string) (taken bool, err error) {
	if taken, err := a.slugTaken(FormerName(name)); err != nil || taken {
		return taken, err
	}
	var of int64
	err = a.tx.Raw(`INSERT INTO former_names (name, city_id) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING city_id`, FormerName(name), cityID).Scan(&of).Error
	return of != cityID, err
}

// FormerName is a name as it is stored and looked for.
func FormerName(name string) string { return strings.ToLower(norm.NFC.String(strings.TrimSpace(name))) }

// MovedNote is a line of what moderators have to know of a city that came from another program.
type MovedNote struct {
	Key  string
	Args []string
}

// Note stores a line for the moderators of a city.
func (a *Arrival) Note(cityID int64, n MovedNote) error {
	args, err := json.Marshal(n.Args)
	if err != nil {
		return err
	}
	return a.tx.Exec("INSERT INTO moved_notes (city_id, key, args, created) VALUES (?, ?, ?, ?)", cityID, n.Key, string(args), millis(a.db.now())).Error
}

// MovedNotes returns what the moderators of a city have not read yet, in order.
func (d *DB) MovedNotes(ctx context.Context, cityID int64) ([]MovedNote, error) {
	var rows []struct{ Key, Args string }
	if err := d.Read(ctx).Raw("SELECT key, args FROM moved_notes WHERE city_id = ? ORDER BY id", cityID).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("notes of a move: %w", err)
	}
	list := make([]MovedNote, len(rows))
	for i, r := range rows {
		list[i].Key = r.Key
		if err := json.Unmarshal([]byte(r.Args), &list[i].Args); err != nil {
			return nil, fmt.Errorf("notes of a move: %w", err)
		}
	}
	return list, nil
}

// DeleteMovedNotes deletes what the moderators of a city have read.
func (d *DB) DeleteMovedNotes(ctx context.Context, cityID int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM moved_notes WHERE city_id = ?", cityID).Error
	})
	if err != nil {
		return fmt.Errorf("delete notes of a move: %w", err)
	}
	return nil
}

// ArrivedBots are the bots of an installation that are known, by "city network number".
func (d *DB) ArrivedBots(ctx context.Context, from Installation) (map[string]bool, error) {
	key, err := from.key(d.Read(ctx))
	if err != nil {
		return nil, fmt.Errorf("known bots: %w", err)
	}
	list, err := ReadColumn[string](ctx, d, `SELECT b.city || ' ' || b.network || ' ' || b.old FROM moved_bots AS b JOIN moved_sources AS s ON s.id = b.source_id
		WHERE s.program = ? AND s.key = ?`, from.Program, key)
	if err != nil {
		return nil, fmt.Errorf("known bots: %w", err)
	}
	known := make(map[string]bool, len(list))
	for _, b := range list {
		known[b] = true
	}
	return known, nil
}

// Act stores what was done with a city.
func (a *Arrival) Act(act Act) error {
	return a.tx.Create(&actRow{CityID: orNull(act.CityID), At: millis(a.db.now()), Who: act.Who, Act: act.Act, Subject: act.Subject}).Error
}

// Try runs do. What it has stored is gone where it fails, and the transaction goes on, unless the
// database has ended it, as where the disk is full.
func (a *Arrival) Try(do func() error) error {
	if err := a.tx.Exec("SAVEPOINT arrival").Error; err != nil {
		return err
	}
	failed := do()
	if failed != nil && a.tx.Exec("ROLLBACK TO SAVEPOINT arrival").Error != nil {
		return failed // the first says why
	}
	// Those that are left open make all that follows slower: each page asks all of them.
	return errors.Join(failed, a.tx.Exec("RELEASE SAVEPOINT arrival").Error)
}
