package moving

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"ticketfrei/db"
	"ticketfrei/internal/address"
	"ticketfrei/internal/report"
	"ticketfrei/internal/valid"
)

// kibicaraLanguage is that of the cities of Kibicara, which did not ask for one.
const kibicaraLanguage = "de"

// ReadKibicara reads an installation of Kibicara: its SQLite database, and its kibicara.conf.
func ReadKibicara(ctx context.Context, path string, o Options) (Source, error) {
	settings, err := readKibicaraSettings(o.Settings)
	if err != nil {
		return Source{}, err
	}
	k := &kibicara{o: o, at: map[int64]int{}, inboxes: map[string]bool{}}
	k.src = Source{Program: Kibicara, Secret: settings.key, Domain: settings.domain}
	if settings.key == nil {
		k.note("kibicara_no_key")
	}
	err = read(ctx, path, func(f *file) error {
		if !f.has("hoods", "admins") {
			return fmt.Errorf("it is no database of Kibicara, but %s", f.of())
		}
		k.file = f
		err := k.read(ctx)
		k.src.Notes = append(k.src.Notes, f.notes()...)
		return err
	})
	return k.src, err
}

// kibicaraSettings are what kibicara.conf tells.
type kibicaraSettings struct {
	key    []byte // of the links in mails; nil: it was another one after each start
	domain string
}

// readKibicaraSettings reads kibicara.conf, where there is one.
func readKibicaraSettings(file string) (s kibicaraSettings, err error) {
	if file == "" {
		return s, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	var written struct {
		Secret   string `toml:"secret"`
		Frontend string `toml:"frontend_url"`
	}
	if err := toml.Unmarshal(raw, &written); err != nil {
		return s, fmt.Errorf("%s is no kibicara.conf: %w", file, err)
	}
	if written.Secret != "" {
		if s.key, err = hex.DecodeString(written.Secret); err != nil || len(s.key) != 32 {
			return s, fmt.Errorf("%s: secret is not 64 of the digits 0-9 and a-f", file)
		}
	}
	if at, err := url.Parse(written.Frontend); err == nil && strings.Contains(at.Hostname(), ".") {
		s.domain = strings.ToLower(at.Hostname())
	}
	return s, nil
}

// kibicara reads a database of Kibicara's.
type kibicara struct {
	file    *file
	o       Options
	src     Source
	at      map[int64]int   // the place of each hood among the cities
	inboxes map[string]bool // the names of all, in lower case
}

func (k *kibicara) read(ctx context.Context) error {
	tables := []func(context.Context) error{k.hoods, k.admins, k.rules, k.mailNames, k.subscribers, k.telegramBots, k.twitter}
	for _, read := range tables {
		if err := read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// note adds a line to the protocol about what belongs to no city.
func (k *kibicara) note(key string, args ...string) {
	k.src.Notes = append(k.src.Notes, Note{key, args})
}

// ofHoods calls read for each row of a table that belongs to a hood, when what its columns hold
// stands in into. What belongs to none is counted.
func (k *kibicara) ofHoods(ctx context.Context, table string, columns []string, into []any, read func(c *City)) error {
	var hood number
	orphans := 0
	err := k.file.rows(ctx, table, append([]string{"hood"}, columns...), func(scan func(...any) error) error {
		if err := scan(append([]any{&hood}, into...)...); err != nil {
			return err
		}
		if i, ok := k.at[hood.Int64]; ok && hood.Valid {
			read(&k.src.Cities[i])
		} else {
			orphans++
		}
		return nil
	})
	k.orphans(table, orphans)
	return err
}

// orphans notes how many rows of a table belong to nothing.
func (k *kibicara) orphans(table string, n int) {
	if n > 0 {
		k.note("kibicara_orphans", table, strconv.Itoa(n))
	}
}

// defaultLanding is the text of a hood whose admins have written none.
const defaultLanding = "Default Landing Page"

// hoods makes the cities.
func (k *kibicara) hoods(ctx context.Context) error {
	return k.file.rows(ctx, "hoods", []string{"id", "name", "landingpage", "email_enabled"}, func(scan func(...any) error) error {
		var id int64
		var name, landing sql.NullString
		var mail number
		if err := scan(&id, &name, &landing, &mail); err != nil {
			return err
		}
		if _, twice := k.at[id]; twice {
			k.file.unread["hoods"]++
			return nil
		}
		c := City{ID: id, Name: valid.Text(name.String), Bots: []Bot{{Network: "mail", Enabled: mail.on()}}}
		shown := cmp.Or(strings.Join(strings.Fields(c.Name), " "), fmt.Sprint("Hood ", id))
		c.Copy = db.CityCopy{Slug: report.Slug(shown), Name: shown, Language: kibicaraLanguage, Questions: true, Replies: true, Created: k.o.Now.UnixMilli()}
		if page := valid.Text(landing.String); strings.TrimSpace(page) != defaultLanding {
			c.Copy.Page, c.Notes = Unwrap(page), pageNotes(page)
		}
		if !mail.on() {
			c.note("kibicara_mail_off")
		}
		k.at[id] = len(k.src.Cities)
		k.src.Cities = append(k.src.Cities, c)
		return nil
	})
}

// note adds a line to the protocol of a city.
func (c *City) note(key string, args ...string) { c.Notes = append(c.Notes, Note{key, args}) }

// kibicaraAdmin is somebody who could log in.
type kibicaraAdmin struct {
	id    int64
	typed string
	email string // as it is spelled here
	hash  string
	first *kibicaraAdmin // who has the same address: itself, or one before
	runs  bool           // a hood
}

// admins reads who runs which hood, and names the installation by the first of them.
func (k *kibicara) admins(ctx context.Context) error {
	byID, byEmail := map[int64]*kibicaraAdmin{}, map[string]*kibicaraAdmin{}
	var list []*kibicaraAdmin
	err := k.file.rows(ctx, "admins", []string{"id", "email", "passhash"}, func(scan func(...any) error) error {
		var typed, hash sql.NullString
		a := &kibicaraAdmin{}
		if err := scan(&a.id, &typed, &hash); err != nil {
			return err
		}
		a.typed, a.hash = valid.Text(typed.String), valid.Text(hash.String)
		a.email = strings.ToLower(strings.TrimSpace(a.typed))
		if byEmail[a.email] == nil {
			byEmail[a.email] = a
		}
		a.first = byEmail[a.email]
		byID[a.id] = a
		list = append(list, a)
		return nil
	})
	if err != nil {
		return err
	}
	k.src.Key = k.key(list)
	if err := k.relations(ctx, byID); err != nil {
		return err
	}
	for _, a := range list {
		if !a.runs {
			k.note("kibicara_admin_without_hood", address.Masked(a.typed))
		}
	}
	return nil
}

// relations makes admins the moderators of their hoods. Who could log in with two spellings of
// an address has the password of the first.
func (k *kibicara) relations(ctx context.Context, admins map[int64]*kibicaraAdmin) error {
	var id, admin number
	gone := 0
	err := k.ofHoods(ctx, "admin_hood_relations", []string{"id", "admin"}, []any{&id, &admin}, func(c *City) {
		a := admins[admin.Int64]
		if a == nil {
			gone++
			return
		}
		a.runs, a.first.runs = true, true
		if a != a.first {
			c.noteOnce("kibicara_admin_twice", address.Masked(a.first.typed), address.Masked(a.typed))
		}
		if !slices.ContainsFunc(c.Admins, func(has Admin) bool { return has.Email == a.email }) {
			c.Admins = append(c.Admins, Admin{id.Int64, db.ModeratorCopy{Email: a.email, Password: a.first.hash, Role: string(report.Owner), Created: k.o.Now.UnixMilli()}})
		}
	})
	k.orphans("admins", gone)
	return err
}

// noteOnce is note, where the city has not the line yet.
func (c *City) noteOnce(key string, args ...string) {
	if !slices.ContainsFunc(c.Notes, func(n Note) bool { return n.Key == key && slices.Equal(n.Args, args) }) {
		c.note(key, args...)
	}
}

// key tells the installation from others, by what cannot be edited there: the address of its
// first admin, and where there is none, its first hood.
func (k *kibicara) key(admins []*kibicaraAdmin) string {
	of := "kibicara"
	switch {
	case len(admins) > 0:
		of += fmt.Sprint(" admin ", admins[0].id, " ", admins[0].typed)
	case len(k.src.Cities) > 0:
		of += fmt.Sprint(" hood ", k.src.Cities[0].ID, " ", k.src.Cities[0].Name)
	}
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:16])
}
