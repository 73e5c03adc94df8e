package app

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/all"
	"ticketfrei/db"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/secret"
	"ticketfrei/internal/slow"
)

// version starts a program that knows more migrations of the mails' tables than the one
// before.
func (c cluster) version(t *testing.T, more ...*gormigrate.Migration) *app {
	t.Helper()
	definitions := all.Networks()
	i := slices.IndexFunc(definitions, func(d bots.Definition) bool { return d.Name == "mail" })
	known := definitions[i].Migrations
	definitions[i].Migrations = func(box *secret.Box) []*gormigrate.Migration { return append(known(box), more...) }
	return runApp(t, onServer(appConfig(t, t.TempDir(), c.box, definitions, unbraked...), c.db.URL()), definitions)
}

// shard returns one that the program works for, and that has no city yet.
func (a *app) shard() int {
	a.Helper()
	for n := 2; n < db.Shards; n++ {
		if a.server.db.OwnsShard(n) {
			return n
		}
	}
	a.Fatal("it works for no shard")
	return 0
}

// TestRollingUpgrade has a newer version, with one column more, start beside the one before:
// both go on, whichever is written to. A third needs to be alone, which ends those two, and
// they do not start any more.
func TestRollingUpgrade(t *testing.T) {
	slow.Test(t, "runs three versions on one database")
	t.Parallel()
	c := cluster{dbserver.Start(t), startMailbox(t)}
	column := &gormigrate.Migration{ID: "mail_9998", Migrate: db.SQL(
		"ALTER TABLE mail_recipients ADD COLUMN later TEXT NOT NULL DEFAULT 'yes'",
		"ALTER TABLE cities ADD COLUMN later TEXT NOT NULL DEFAULT 'yes'",
		"ALTER TABLE bots ADD COLUMN later TEXT NOT NULL DEFAULT 'yes'",
		"ALTER TABLE moderators ADD COLUMN later TEXT NOT NULL DEFAULT 'yes'",
		"ALTER TABLE reports ADD COLUMN later TEXT NOT NULL DEFAULT 'yes'")}
	alone := &gormigrate.Migration{ID: "mail_9999", Migrate: func(tx *gorm.DB) error {
		return errors.Join(db.Alone("mail_9999")(tx), db.SQL("ALTER TABLE mail_recipients DROP COLUMN later")(tx))
	}}
	older := c.version(t)
	slugs := []string{"leeds", "graz", "lyon"}
	older.addCity("leeds", "kontis", "")
	older.subscribe(c.box, "leeds", "one@leeds.example")
	look := func(a *app) {
		a.login("moderator@leeds.example").get("/settings/", http.StatusOK)
		a.browser().get("/city/leeds", http.StatusOK)
	}
	look(older) // so that the statements for it are prepared
	newer := c.version(t, column)
	both := []*app{older, newer}
	for i, a := range both {
		waitUntil(t, "half of the shards", func() bool { return a.says("ticketfrei_shards_owned", "32") })
		c.db.Query(fmt.Sprintf("SELECT setval(pg_get_serial_sequence('cities', 'id'), %d)", a.shard()-1))
		slug := slugs[i+1] // a city of each
		both[1-i].addCity(slug, "kontis", "")
		both[1-i].subscribe(c.box, slug, "one@"+slug+".example")
	}
	for i, a := range both {
		for _, slug := range slugs {
			a.mustSend(fmt.Sprintf("r%d@riders.example", i), slug+"@tickets.example", fmt.Sprintf("%d-%s@riders.example", i, slug), "", fmt.Sprintf("Kontis am Platz %d", i))
			c.box.waitFor(t, "one@"+slug+".example", fmt.Sprintf("Kontis am Platz %d", i))
		}
	}
	newer.settled()
	for _, a := range both {
		look(a)
		if strings.Contains(a.log.String(), "level=ERROR") {
			t.Errorf("the log of a version has errors:\n%s", a.log)
		}
	}
	if n := len(c.box.to(t, "one@leeds.example", "Kontis am Platz")); n != 2 {
		t.Errorf("two reports were mailed %d times", n)
	}

	for _, a := range both {
		a.failing = true
	}
	newest := c.version(t, column, alone)
	for _, a := range both {
		if err := a.ended(); !errors.Is(err, db.ErrNewerVersion) {
			t.Errorf("an older version ended with %v", err)
		}
	}
	_, _, err := openDatabase(t.Context(), older.server.cfg, older.server.definitions, testLog(t, &logbook{}), false)
	if !errors.Is(err, db.ErrNewerVersion) {
		t.Errorf("an older version starts: %v", err)
	}
	newest.mustSend("r3@riders.example", "leeds@tickets.example", "3@riders.example", "", "Kontis am Markt")
	c.box.waitFor(t, "one@leeds.example", "Kontis am Markt")
}
