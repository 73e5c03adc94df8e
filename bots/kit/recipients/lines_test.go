package recipients_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// noon is when it is.
var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// choose has a recipient get the reports of some lines.
func (c *coop) choose(address string, names ...string) {
	c.Helper()
	if err := c.SetLines(c.Context(), c.bot, c.find(address).ID, report.NewLines(names...)); err != nil {
		c.Fatal(err)
	}
}

// about is a report about lines.
func about(names ...string) report.Report {
	return report.Report{Reading: report.Reading{Lines: report.NewLines(names...)}}
}

func TestLinesAreChosen(t *testing.T) {
	c := newCoop(t)
	for _, address := range []string{"u1", "all", "both", "u11", "late"} {
		c.subscribe(address)
	}
	c.choose("u1", "U1")
	c.choose("both", "U1", "Tram 4")
	c.choose("u11", "U11")
	c.wantList(about("U1"), "u1", "all", "both", "late")
	c.wantList(about("U2", "Tram 4"), "all", "both", "late")
	c.wantList(about("U11"), "all", "u11", "late")
	c.wantList(about("U1", "U11"), "u1", "all", "both", "u11", "late")
	c.wantList(about("1"), "all", "late")
	c.wantList(about(), "all", "late")
	free := about("U1")
	free.Clear = true
	c.wantList(free, "u1", "all", "both", "late")
	if r := c.find("both"); r.Lines != "|U1|Tram 4|" {
		t.Errorf("the choice is stored as %q", r.Lines)
	}
	if n, err := c.Count(t.Context(), c.bot); n != 5 || err != nil {
		t.Errorf("%d are counted, %v", n, err)
	}
	c.subscribe("u1") // once more: the choice stays
	c.wantList(about("U2"), "all", "late")
	c.choose("u1")
	c.wantList(about("U2"), "u1", "all", "late")
}

func TestChoiceGoesWithTheSubscriber(t *testing.T) {
	c := newCoop(t)
	c.subscribe("a")
	id := c.find("a").ID
	c.choose("a", "U1")
	c.unsubscribe("a")
	if err := c.SetLines(t.Context(), c.bot, id, "|U2|"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("who is gone chooses: %v", err)
	}
	c.subscribe("a")
	c.wantList(about("U2"), "a")
}

func TestAuthorIsLeftOutOfLines(t *testing.T) {
	c := newCoop(t)
	c.subscribe("a")
	c.subscribe("b")
	c.choose("a", "U1")
	c.choose("b", "U1")
	r := about("U1")
	r.Network, r.Author = network, c.box.Author(1, network, "a")
	c.wantList(r, "b")
}

// TestEarlierTablesGetLines has recipients of a version that knew no lines keep all
// reports, and choose.
func TestEarlierTablesGetLines(t *testing.T) {
	c := &coop{T: t, clock: kittest.StandingClock(noon), box: mustBox(t, 7), bot: 1}
	earlier := make([]string, 0, 2)
	for _, statement := range recipients.Tables(network) {
		statement = strings.Replace(statement, "lines TEXT NOT NULL DEFAULT '',", "", 1)
		earlier = append(earlier, strings.Replace(statement, "(bot_id, lines) WHERE", "(bot_id) WHERE", 1))
	}
	if all := strings.Join(earlier, ""); strings.Contains(all, "lines") {
		t.Fatalf("not as it was: %s", all)
	}
	list := []*gormigrate.Migration{{ID: "pigeon_0001", Migrate: db.SQL(earlier...)}}
	c.db = dbtest.MustOpen(t, c.clock.Now, map[string][]*gormigrate.Migration{network: list})
	dbtest.MustCreateCity(t, c.db, "leeds", network)
	c.Store = recipients.NewStore(network, bots.Host{DB: c.db, Secrets: c.box, Now: c.clock.Now})
	c.subscribe("a")
	c.subscribe("b")
	list = append(list, &gormigrate.Migration{ID: "pigeon_0002", Migrate: recipients.AddLines(network)})
	if err := c.db.Migrate(t.Context(), c.box, map[string][]*gormigrate.Migration{network: list}); err != nil {
		t.Fatal(err)
	}
	c.choose("b", "U1")
	c.wantList(about("U2"), "a")
	if err := c.db.Write(t.Context(), func(tx *gorm.DB) error { return recipients.AddLines(network)(tx) }); err != nil {
		t.Errorf("where they are there already: %v", err)
	}
}

func BenchmarkList(b *testing.B) {
	const many = 10_000
	for _, c := range []struct {
		name   string
		choose bool
		lines  report.Lines
	}{{"no choice", false, ""}, {"no choice, a line", false, "|U1|"}, {"all have chosen", true, "|U1|"}} {
		b.Run(c.name, func(b *testing.B) {
			box, clock := dbtest.MustMakeBox(b), kittest.StandingClock(noon)
			d := dbtest.MustOpen(b, clock.Now, map[string][]*gormigrate.Migration{network: {{ID: "pigeon_0001", Migrate: db.SQL(recipients.Tables(network)...)}}})
			dbtest.MustCreateCity(b, d, "leeds", network)
			store := recipients.NewStore(network, bots.Host{DB: d, Secrets: box, Now: clock.Now})
			err := d.Write(b.Context(), func(tx *gorm.DB) error {
				for i := range many {
					if err := store.Put(tx, recipients.Recipient{BotID: 1, Address: fmt.Sprint(i), Created: noon}); err != nil {
						return err
					}
				}
				if !c.choose {
					return nil
				}
				return tx.Exec("UPDATE pigeon_recipients SET lines = '|U' || (id % 10) || '|'").Error
			})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := store.List(b.Context(), 1, report.Report{Reading: report.Reading{Lines: c.lines}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
