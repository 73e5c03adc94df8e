package db_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// TestCityThatIsOff switches cities off in each way: they take no reports, their bots do not
// run, nobody finds them in the list, and nothing of them is gone.
func TestCityThatIsOff(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c, other := dbtest.MustCreateCity(t, d, "gotham", "tram"), dbtest.MustCreateCity(t, d, "metropolis", "tram")
	if err := d.Hear(t.Context(), newReport(c, "before", "a", "text", noon)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		state   report.CityState
		off, on func() (report.City, error)
	}{
		{report.CitySuspended, func() (report.City, error) { return d.Suspend(t.Context(), c.ID, "spam") }, func() (report.City, error) { return d.Admit(t.Context(), c.ID) }},
		{report.CityDeleted, func() (report.City, error) { return d.MarkDeleted(t.Context(), c.ID) }, func() (report.City, error) { return d.Restore(t.Context(), c.ID) }},
	} {
		t.Run(string(tt.state), func(t *testing.T) {
			if off := must(tt.off())(t); off.State() != tt.state || !off.Off() {
				t.Fatalf("it is %s", off.State())
			}
			if err := d.Hear(t.Context(), newReport(c, "meanwhile", "a", "text", noon)); !errors.Is(err, db.ErrPaused) {
				t.Errorf("a report to it: %v", err)
			}
			if list := must(d.EnabledCityBots(t.Context(), c.ID))(t); len(list) != 0 {
				t.Errorf("its bots run: %v", list)
			}
			if list := must(d.EnabledBots(t.Context()))(t); len(list) != 1 || list[0].CityID != other.ID {
				t.Errorf("the bots that run are %v", list)
			}
			if list := must(d.EnabledBotsOf(t.Context(), db.ShardOf(c.ID)))(t); slices.ContainsFunc(list, func(b report.Bot) bool { return b.CityID == c.ID }) {
				t.Errorf("its bots run: %v", list)
			}
			if list := must(d.OpenCities(t.Context(), "", 10))(t); len(list) != 1 || list[0].ID != other.ID {
				t.Errorf("the open cities are %v", list)
			}
			if on := must(tt.on())(t); on.Off() {
				t.Fatalf("it is %s", on.State())
			}
			if list := must(d.EnabledCityBots(t.Context(), c.ID))(t); len(list) != 1 || !list[0].Enabled {
				t.Errorf("its bots do not run again: %v", list)
			}
			if err := d.Hear(t.Context(), newReport(c, string(tt.state), "a", "text", noon)); err != nil {
				t.Errorf("a report afterwards: %v", err)
			}
		})
	}
	if list := must(d.UnjudgedOf(t.Context(), c.ID, 0, 10))(t); len(list) != 3 {
		t.Errorf("%d reports wait", len(list))
	}
}

// TestWaitingCity has a city wait from its beginning.
func TestWaitingCity(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	m := must(d.CreateModerator(t.Context(), "m@example.org", "hash"))(t)
	c := must(d.CreateCity(t.Context(), report.City{Slug: "gotham", Name: "Gotham", Language: "en", Waiting: true}, m.ID, []string{"tram"}))(t)
	if found := must(d.FindCity(t.Context(), "gotham"))(t); found.State() != report.CityWaiting || len(must(d.EnabledBots(t.Context()))(t)) != 0 {
		t.Errorf("it is %s", found.State())
	}
	if c = must(d.Admit(t.Context(), c.ID))(t); c.Off() || len(must(d.EnabledBots(t.Context()))(t)) != 1 {
		t.Errorf("it is %s", c.State())
	}
	// What moderators change does not switch it.
	suspended := must(d.Suspend(t.Context(), c.ID, "spam"))(t)
	changed := must(d.ChangeCity(t.Context(), c.ID, func(c *report.City) error { c.Name, c.Suspended, c.Waiting = "New", time.Time{}, true; return nil }))(t)
	if now := must(d.City(t.Context(), c.ID))(t); now.Name != "New" || now.Suspended != suspended.Suspended || now.SuspendedFor != "spam" || now.Waiting {
		t.Errorf("%+v, then %+v", changed, now)
	}
}

// TestRename gives a city other names: each leads to it, and nobody else gets one.
func TestRename(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c, other := dbtest.MustCreateCity(t, d, "gotham", "tram"), dbtest.MustCreateCity(t, d, "metropolis")
	bot := must(d.FindBot(t.Context(), c.ID, "tram"))(t)
	leads := func(slugs ...string) {
		t.Helper()
		for _, slug := range slugs {
			found, b, err := d.FindCityBot(t.Context(), slug, "tram")
			if err != nil || found.ID != c.ID || b.ID != bot.ID || must(d.FindCity(t.Context(), slug))(t).ID != c.ID {
				t.Errorf("%s leads to %v, %v", slug, found.ID, err)
			}
		}
	}
	if renamed := must(d.Rename(t.Context(), c.ID, "neustadt"))(t); renamed.Slug != "neustadt" {
		t.Fatalf("it is %s", renamed.Slug)
	}
	leads("gotham", "neustadt")
	if now := must(d.Bot(t.Context(), bot.ID))(t); now.Version == bot.Version {
		t.Error("its bots use the old name")
	}
	if _, err := d.Rename(t.Context(), other.ID, "gotham"); !errors.Is(err, db.ErrTaken) {
		t.Errorf("another city takes an alias: %v", err)
	}
	if _, err := d.Rename(t.Context(), other.ID, "neustadt"); !errors.Is(err, db.ErrTaken) {
		t.Errorf("another city takes the slug: %v", err)
	}
	if _, err := d.CreateCity(t.Context(), report.City{Slug: "gotham", Name: "x", Language: "en"}, 1, nil); !errors.Is(err, db.ErrTaken) {
		t.Errorf("a new city takes an alias: %v", err)
	}
	if err := d.AddAlias(t.Context(), other.ID, "gotham"); !errors.Is(err, db.ErrTaken) {
		t.Errorf("another city has the alias too: %v", err)
	}
	if err := d.AddAlias(t.Context(), c.ID, "metropolis"); !errors.Is(err, db.ErrTaken) {
		t.Errorf("the slug of another city is an alias: %v", err)
	}
	for range 2 {
		if err := d.AddAlias(t.Context(), c.ID, "neu"); err != nil {
			t.Errorf("an alias: %v", err)
		}
	}
	must(d.Rename(t.Context(), c.ID, "gotham"))(t) // back
	leads("gotham", "neustadt", "neu")
	if diff := cmp.Diff([]string{"neu", "neustadt"}, must(d.Aliases(t.Context(), c.ID))(t)); diff != "" {
		t.Errorf("the aliases:\n%s", diff)
	}
	if err := d.RemoveAlias(t.Context(), other.ID, "neu"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("another city takes an alias away: %v", err)
	}
	if err := d.RemoveAlias(t.Context(), c.ID, "neu"); err != nil {
		t.Error(err)
	}
	if _, err := d.FindCity(t.Context(), "neu"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("an alias that is none any more: %v", err)
	}
	if err := d.DeleteCity(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	for _, slug := range []string{"gotham", "neustadt"} {
		if kept := must(d.SlugKept(t.Context(), slug))(t); !kept {
			t.Errorf("%s may be had by anybody", slug)
		}
	}
	if _, err := d.Rename(t.Context(), other.ID, "neustadt"); !errors.Is(err, db.ErrTaken) {
		t.Errorf("a former name is taken: %v", err)
	}
}

// TestOneNameOfTwoCities has processes give one name away at the same moment, in each of the
// ways in which a city gets a name.
func TestOneNameOfTwoCities(t *testing.T) {
	two := openTogether(t)
	owner := must(two.both[0].CreateModerator(t.Context(), "m@example.org", "hash"))(t)
	cities := make([]report.City, 6)
	for i := range cities {
		cities[i] = two.city("city" + string(rune('a'+i)))
	}
	done := two.do(len(cities), func(d *db.DB, i int) (err error) {
		switch i % 3 {
		case 0:
			_, err = d.Rename(t.Context(), cities[i].ID, "gotham")
		case 1:
			err = d.AddAlias(t.Context(), cities[i].ID, "gotham")
		default:
			_, err = d.CreateCity(t.Context(), report.City{Slug: "gotham", Name: "Gotham", Language: "en"}, owner.ID, nil)
		}
		return err
	}, db.ErrTaken)
	if done != 1 {
		t.Errorf("%d cities have the name", done)
	}
}

// TestDeletedBefore looks for cities that are to be deleted for good.
func TestDeletedBefore(t *testing.T) {
	now := noon
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	first, second := dbtest.MustCreateCity(t, d, "gotham"), dbtest.MustCreateCity(t, d, "metropolis")
	must(d.MarkDeleted(t.Context(), first.ID))(t)
	now = now.Add(time.Hour)
	must(d.MarkDeleted(t.Context(), first.ID))(t) // is deleted since then
	must(d.MarkDeleted(t.Context(), second.ID))(t)
	list := must(d.DeletedBefore(t.Context(), noon.Add(time.Minute)))(t)
	if len(list) != 1 || list[0].ID != first.ID || !strings.EqualFold(list[0].Slug, "gotham") {
		t.Errorf("it is %v", list)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}
