package moving

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// t2Language is that of the cities of Ticketfrei 2, which had one page for all.
const t2Language = "de"

// ReadTicketfrei2 reads the database of a Ticketfrei 2, which may run. The error says in plain
// words why it is none.
func ReadTicketfrei2(ctx context.Context, path string, o Options) (Source, error) {
	r := &t2{options: o, source: Source{Program: Ticketfrei2}, users: map[int64]*t2User{}}
	if o.Settings != "" {
		host, err := t2Host(o.Settings)
		if err != nil {
			return Source{}, err
		}
		r.source.Domain = host
	}
	err := read(ctx, path, func(f *file) error {
		if !f.has("user", "cities") || f.has("core_migrations") || f.has("hoods") {
			return fmt.Errorf("it is no database of Ticketfrei 2, but %s", f.of())
		}
		err := r.read(ctx, f)
		r.source.Notes = append(r.source.Notes, f.notes()...)
		return err
	})
	if err != nil {
		return Source{}, err
	}
	return r.source, nil
}

// t2 reads a database of Ticketfrei 2.
type t2 struct {
	options   Options
	source    Source
	order     []int64 // of users
	users     map[int64]*t2User
	instances map[int64]string
	orphans   map[t2Orphan]int
}

// t2Orphan is a user that rows of a table belong to, and who is not there.
type t2Orphan struct {
	table string
	user  int64
}

// t2User is a user, who has one city.
type t2User struct {
	hash     sql.NullString
	enabled  bool
	cities   []t2City
	emails   []t2Row
	triggers *sql.NullString
	blocked  *sql.NullString
	mails    []t2Row
	chats    []t2Row
	telegram []t2Row
	update   int64 // the highest that was handled
	mastodon []t2Mastodon
	twitter  int
}

type t2City struct{ name, page, mailPage sql.NullString }

// t2Row is a row of a user with its number and a text.
type t2Row struct {
	id   int64
	text sql.NullString
}

type t2Mastodon struct {
	id, instance int64
	token        sql.NullString
	active       bool
}

func (r *t2) read(ctx context.Context, f *file) error {
	r.orphans = map[t2Orphan]int{}
	for _, step := range []func(context.Context, *file) error{r.readUsers, r.readSecret, r.readCities, r.readRules, r.readPeople, r.readTelegram, r.readMastodon, r.readLeft} {
		if err := step(ctx, f); err != nil {
			return err
		}
	}
	r.nameOrphans()
	if r.source.Secret == nil && len(r.order) > 0 { // the first password, which few change, has a salt
		r.source.Key = keyOf([]byte(r.users[r.order[0]].hash.String))
	}
	for _, id := range r.order {
		r.addCity(id, r.users[id])
	}
	return ctx.Err()
}

func (r *t2) note(key string, args ...string) {
	r.source.Notes = append(r.source.Notes, Note{key, args})
}

func (r *t2) readUsers(ctx context.Context, f *file) error {
	return f.rows(ctx, "user", []string{"id", "passhash", "enabled"}, func(scan func(...any) error) error {
		var id int64
		var enabled number
		u := &t2User{}
		if err := scan(&id, &u.hash, &enabled); err != nil {
			return err
		}
		if r.users[id] != nil {
			f.unread["user"]++
			return nil
		}
		u.enabled = enabled.on()
		r.users[id] = u
		r.order = append(r.order, id)
		return nil
	})
}

// readSecret reads what signs the links: the newest counts. The oldest tells one installation
// from another.
func (r *t2) readSecret(ctx context.Context, f *file) error {
	var oldest []byte
	err := f.rows(ctx, "secret", []string{"secret"}, func(scan func(...any) error) error {
		var secret []byte
		if err := scan(&secret); err != nil || len(secret) == 0 {
			return err
		}
		if oldest == nil {
			oldest = secret
		}
		r.source.Secret = secret
		return nil
	})
	if oldest == nil {
		r.note("no_secret")
	}
	r.source.Key = keyOf(oldest)
	return err
}

// keyOf is the key of the installation of which something is that is no other's.
func keyOf(its []byte) string {
	sum := sha256.Sum256(append([]byte("ticketfrei2 "), its...))
	return hex.EncodeToString(sum[:16])
}

func (r *t2) readCities(ctx context.Context, f *file) error {
	return f.rows(ctx, "cities", []string{"user_id", "city", "markdown", "mail_md"}, func(scan func(...any) error) error {
		var user number
		var c t2City
		if err := scan(&user, &c.name, &c.page, &c.mailPage); err != nil {
			return err
		}
		if u := r.user("cities", user); u != nil {
			u.cities = append(u.cities, c)
		}
		return nil
	})
}

// user returns the user that a row belongs to; nil, where there is none.
func (r *t2) user(table string, id number) *t2User {
	u := r.users[id.Int64]
	if u == nil || !id.Valid {
		r.orphans[t2Orphan{table, id.Int64}]++
		return nil
	}
	return u
}

// texts calls do with the users and texts of a table.
func (r *t2) texts(ctx context.Context, f *file, table, column string, do func(*t2User, t2Row)) error {
	return f.rows(ctx, table, []string{"id", "user_id", column}, func(scan func(...any) error) error {
		var user number
		var row t2Row
		if err := scan(&row.id, &user, &row.text); err != nil {
			return err
		}
		if u := r.user(table, user); u != nil {
			do(u, row)
		}
		return nil
	})
}

func (r *t2) readRules(ctx context.Context, f *file) error {
	err := r.texts(ctx, f, "triggerpatterns", "patterns", func(u *t2User, row t2Row) {
		if u.triggers == nil {
			u.triggers = &row.text
		}
	})
	if err != nil {
		return err
	}
	return r.texts(ctx, f, "badwords", "words", func(u *t2User, row t2Row) {
		if u.blocked == nil {
			u.blocked = &row.text
		}
	})
}

func (r *t2) readPeople(ctx context.Context, f *file) error {
	err := r.texts(ctx, f, "email", "email", func(u *t2User, row t2Row) { u.emails = append(u.emails, row) })
	if err != nil {
		return err
	}
	return r.texts(ctx, f, "mailinglist", "email", func(u *t2User, row t2Row) { u.mails = append(u.mails, row) })
}

func (r *t2) readTelegram(ctx context.Context, f *file) error {
	column := "apikey"
	if !f.tables["telegram_accounts"][column] {
		column = "api_token" // of version 2.0.0
	}
	err := r.texts(ctx, f, "telegram_accounts", column, func(u *t2User, row t2Row) {
		if strings.TrimSpace(row.text.String) != "" {
			u.telegram = append(u.telegram, row)
		}
	})
	if err != nil {
		return err
	}
	err = r.texts(ctx, f, "seen_telegrams", "tg_id", func(u *t2User, row t2Row) {
		if n, err := strconv.ParseInt(row.text.String, 10, 64); err == nil {
			u.update = max(u.update, n)
		}
	})
	if err != nil {
		return err
	}
	return r.texts(ctx, f, "telegram_subscribers", "subscriber_id", func(u *t2User, row t2Row) { u.chats = append(u.chats, row) })
}

func (r *t2) readMastodon(ctx context.Context, f *file) error {
	r.instances = map[int64]string{}
	err := f.rows(ctx, "mastodon_instances", []string{"id", "instance"}, func(scan func(...any) error) error {
		var id int64
		var name sql.NullString
		err := scan(&id, &name)
		r.instances[id] = server(name.String)
		return err
	})
	if err != nil {
		return err
	}
	return f.rows(ctx, "mastodon_accounts", []string{"id", "user_id", "access_token", "instance_id", "active"}, func(scan func(...any) error) error {
		var m t2Mastodon
		var user, instance, active number
		if err := scan(&m.id, &user, &m.token, &instance, &active); err != nil {
			return err
		}
		m.instance, m.active = instance.Int64, active.Int64 != 0
		if u := r.user("mastodon_accounts", user); u != nil {
			u.mastodon = append(u.mastodon, m)
		}
		return nil
	})
}

// server is the address of an instance as it is written here: "https://Chaos.Example/" is
// "https://chaos.example". Empty: it is none.
func server(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	scheme, rest, found := strings.Cut(name, "://")
	if !found {
		scheme, rest = "https", name
	}
	rest, _, _ = strings.Cut(rest, "/")
	at, err := url.Parse(scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:])
	if err != nil || at.Hostname() == "" || scheme != "https" && scheme != "http" {
		return ""
	}
	if ascii, err := idna.Lookup.ToASCII(at.Hostname()); err == nil { // one with umlauts, as the DNS has it
		at.Host = strings.Replace(at.Host, at.Hostname(), ascii, 1)
	}
	return scheme + "://" + at.Host
}

// readLeft counts what does not come.
func (r *t2) readLeft(ctx context.Context, f *file) error {
	err := r.texts(ctx, f, "twitter_accounts", "id", func(u *t2User, _ t2Row) { u.twitter++ })
	if err != nil {
		return err
	}
	for _, table := range []string{"twitter_accounts", "twitter_request_tokens", "twitter_last_request", "seen_tweets", "seen_dms", "seen_mail", "seen_toots"} {
		n, err := f.count(ctx, table)
		if err != nil {
			return err
		}
		if n > 0 {
			r.note("left_rows", table, strconv.Itoa(n))
		}
	}
	return nil
}

func (r *t2) nameOrphans() {
	var list []t2Orphan
	for o := range r.orphans {
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b t2Orphan) int {
		if a.user != b.user {
			return int(a.user - b.user)
		}
		return strings.Compare(a.table, b.table)
	})
	for _, o := range list {
		r.note("orphans", o.table, strconv.FormatInt(o.user, 10), strconv.Itoa(r.orphans[o]))
	}
}

// addCity adds the city of a user.
func (r *t2) addCity(id int64, u *t2User) {
	number := strconv.FormatInt(id, 10)
	cities := slices.DeleteFunc(slices.Clone(u.cities), func(c t2City) bool { return strings.TrimSpace(c.name.String) == "" })
	if len(cities) == 0 {
		r.note("user_without_city", number)
		return
	}
	of := cities[0]
	name := strings.Join(strings.Fields(of.name.String), " ")
	c := City{ID: id, Name: of.name.String, Names: []string{strings.TrimSpace(of.name.String)},
		Copy: db.CityCopy{Name: name, Slug: report.Slug(name), Language: t2Language, Questions: true, Replies: true, Created: r.options.Now.UnixMilli()}}
	for _, more := range cities[1:] {
		c.Notes = append(c.Notes, Note{"t2_second_city", []string{more.name.String}})
	}
	if c.Off = !u.enabled; c.Off {
		c.Notes = append(c.Notes, Note{Key: "city_disabled"})
	}
	r.addRules(&c, u)
	r.addPages(&c, of)
	r.addAdmins(&c, u)
	r.addBots(&c, u, of)
	r.source.Cities = append(r.source.Cities, c)
}

func (r *t2) addRules(c *City, u *t2User) {
	var triggers, blocked []string
	var notes []Note
	if u.triggers != nil && u.triggers.Valid {
		triggers, notes = t2Triggers(u.triggers.String)
		c.Notes = append(c.Notes, notes...)
	}
	if u.blocked != nil && u.blocked.Valid {
		blocked, notes = t2Words(u.blocked.String)
		c.Notes = append(c.Notes, notes...)
	} else {
		blocked = append(pythonLines(censor.DefaultBlocked(t2Language)), t2Blocked...)
		c.Notes = append(c.Notes, Note{Key: "blocked_default"})
	}
	c.Copy.Triggers, c.Copy.Blocked, notes = accepted(triggers, blocked)
	c.Notes = append(c.Notes, notes...)
	if c.Copy.Triggers == "" {
		c.Copy.Triggers = censor.DefaultTriggers(t2Language)
		c.Notes = append(c.Notes, Note{Key: "triggers_default"})
	}
}

func (r *t2) addPages(c *City, of t2City) {
	if of.page.Valid {
		c.Copy.Page = Unwrap(of.page.String)
		c.Notes = append(c.Notes, pageNotes(c.Copy.Page)...)
	} else {
		c.Notes = append(c.Notes, Note{Key: "page_default"})
	}
}

func (r *t2) addAdmins(c *City, u *t2User) {
	if u.hash.String == "" {
		c.Notes = append(c.Notes, Note{Key: "no_password"})
	}
	for _, e := range u.emails {
		c.Admins = append(c.Admins, Admin{e.id, db.ModeratorCopy{Email: strings.ToLower(strings.TrimSpace(e.text.String)), Password: u.hash.String,
			Role: string(report.Owner), Created: r.options.Now.UnixMilli()}})
	}
}
