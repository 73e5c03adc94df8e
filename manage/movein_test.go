package manage_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
	"ticketfrei/moving"
)

// installation is one of another program with cities of these names, numbered from 1, each with
// a moderator.
func installation(names ...string) moving.Source {
	from := moving.Source{Program: moving.Ticketfrei2, Key: "one", Secret: []byte("secret"), Domain: "old.example"}
	for i, name := range names {
		from.Cities = append(from.Cities, moving.City{ID: int64(i + 1), Name: name, Names: []string{name}, Copy: db.CityCopy{Name: name, Slug: report.Slug(name), Triggers: "*", Questions: true, Replies: true},
			Admins: []moving.Admin{{ID: int64(i + 1), ModeratorCopy: db.ModeratorCopy{Email: "mod@example.org", Password: "hash of " + name, Role: string(report.Owner)}}}})
	}
	return from
}

// movable is a town into which cities can move.
func movable(t *testing.T) *town {
	tn := newTown(t)
	tn.Secrets = tn.Letters.Secrets
	return tn
}

func (tn *town) moveIn(from moving.Source) manage.MovedIn {
	tn.t.Helper()
	return must(tn.MoveIn(tn.t.Context(), from, false))(tn.t)
}

// TestNamesOfCitiesThatMoveIn takes over cities whose names are taken, can be no names in
// addresses, or were those of cities that are gone.
func TestNamesOfCitiesThatMoveIn(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	here, gone := tn.city("jena"), tn.city("weimar")
	tn.check(tn.db.AddAlias(t.Context(), here.ID, "jena-2"))
	tn.check(tn.db.DeleteCity(t.Context(), gone.ID))
	in := tn.moveIn(installation("Jena", "JENA", "Weimar", "Test", "X", "!!!", "Bad "+strings.Repeat("Lang", 20), "Bad "+strings.Repeat("Lang", 20), "Köln", "Koeln"))
	var slugs []string
	for _, c := range in.Cities {
		slugs = append(slugs, c.Slug)
		if err := report.CheckSlug(c.Slug); err != nil || !c.New || c.Language != "de" {
			t.Errorf("%s is %+v, %v", c.Old, c, err)
		}
	}
	want := []string{"jena-3", "jena-4", "weimar", "test-2", "x-2", "city-2", "bad", "bad-2", "koeln", "koeln-2"}
	if diff := cmp.Diff(want, slugs); diff != "" {
		t.Errorf("slugs (-want +got):\n%s", diff)
	}
	if n := in.Cities[0].Notes[0]; n.Key != "other_slug" || n.Args[0] != "Jena@old.example" || n.Args[1] != "jena-3" {
		t.Errorf("of the name is said %+v", in.Cities[0].Notes)
	}
	for name, city := range map[string]int{"KÖLN": 8, "test": 3, "x": 4} {
		slug, err := tn.db.SlugOf(t.Context(), name)
		if err != nil || slug != in.Cities[city].Slug {
			t.Errorf("%s leads to %s, %v", name, slug, err)
		}
	}
}

// TestModeratorsThatMoveIn takes over moderators who have a login here, one for two cities, and
// who can have none.
func TestModeratorsThatMoveIn(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	here := tn.city("jena")
	from := installation("Weimar", "Gera")
	from.Cities[1].Admins = append(from.Cities[1].Admins,
		moving.Admin{ID: 3, ModeratorCopy: db.ModeratorCopy{Email: "Moderator@Jena.example", Password: "another", Role: string(report.Owner)}},
		moving.Admin{ID: 4, ModeratorCopy: db.ModeratorCopy{Email: "nobody", Password: "x", Role: string(report.Owner)}})
	in := tn.moveIn(from)
	var notes []string
	for _, n := range in.Cities[1].Notes {
		notes = append(notes, n.Key+" "+strings.Join(n.Args, " "))
	}
	if diff := cmp.Diff([]string{"moderator_known m…@example.org", "moderator_known m…@jena.example", "moderator_no_address …"}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	mod := must(tn.db.FindModerator(t.Context(), "mod@example.org"))(t)
	cities := must(tn.db.ModeratorCities(t.Context(), mod.ID))(t)
	if mod.Password != "hash of Weimar" || len(cities) != 2 {
		t.Errorf("the moderator of two is %+v with %d cities", mod, len(cities))
	}
	known := must(tn.db.FindModerator(t.Context(), "moderator@jena.example"))(t)
	if known.Password == "another" || len(must(tn.db.ModeratorCities(t.Context(), known.ID))(t)) != 2 {
		t.Errorf("who runs %s is %+v", here.Slug, known)
	}
}

// TestMoveInTwice takes the same over again after it has gone on there and here.
func TestMoveInTwice(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	from := installation("Weimar", "Gera", "Jena")
	first := tn.moveIn(from)
	if again := tn.moveIn(from); len(again.Cities) != 3 || again.Cities[0].Changed() || again.Cities[0].ID != first.Cities[0].ID {
		t.Errorf("again it made %+v", again.Cities)
	}
	must(tn.db.Rename(t.Context(), first.Cities[0].ID, "weimar-west"))(t)
	tn.check(tn.db.DeleteCity(t.Context(), first.Cities[1].ID))
	from.Cities[0].Copy.Triggers = "new"
	from.Cities[2].Admins = append(from.Cities[2].Admins, moving.Admin{ID: 9, ModeratorCopy: db.ModeratorCopy{Email: "new@example.org", Role: string(report.Owner)}})
	from.Cities = append(from.Cities, installation("Suhl").Cities[0])
	from.Cities[3].ID = 4
	tried := must(tn.MoveIn(t.Context(), from, true))(t)
	in := tn.moveIn(from)
	if diff := cmp.Diff(notesOf(tried), notesOf(in)); diff != "" {
		t.Errorf("to try said otherwise (-tried +done):\n%s", diff)
	}
	if c := in.Cities[0]; c.Slug != "weimar-west" || c.Triggers != "*" || c.Changed() {
		t.Errorf("Weimar is %+v", c)
	}
	if c := in.Cities[1]; c.ID != 0 || c.Notes[0].Key != "city_gone" {
		t.Errorf("Gera is %+v", c)
	}
	if c := in.Cities[2]; c.New || c.Moderators != 1 {
		t.Errorf("Jena is %+v", c)
	}
	if c := in.Cities[3]; !c.New || c.Slug != "suhl" {
		t.Errorf("Suhl is %+v", c)
	}
	other := from
	other.Key = "another"
	if c := tn.moveIn(other).Cities[0]; !c.New || c.Slug != "weimar" && c.Slug != "weimar-2" {
		t.Errorf("Weimar of another installation is %+v", c)
	}
}

// notesOf are all notes of an import.
func notesOf(in manage.MovedIn) (list []moving.Note) {
	for _, c := range in.Cities {
		list = append(list, c.Notes...)
	}
	return list
}

// TestMoveInIsWhole has the last city fail: nothing of the others is stored.
func TestMoveInIsWhole(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	from := installation("Weimar", "Gera")
	from.Cities[1].ID = 1 // twice
	from.Cities[1].Copy.Places = "x"
	from.Cities = append(from.Cities, moving.City{ID: 3, Name: "Jena", Copy: db.CityCopy{Name: "Jena\x00", Slug: "jena"}})
	from.Cities[2].Copy.Slug = strings.Repeat("-", 60)
	if _, err := tn.MoveIn(t.Context(), from, false); err == nil {
		t.Fatal("it was stored")
	}
	if list := must(tn.List(t.Context(), "", 10))(t); len(list) != 0 {
		t.Errorf("there are %+v", list)
	}
	if _, err := tn.db.FindModerator(t.Context(), "mod@example.org"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("the moderator: %v", err)
	}
}

// TestNumbersAreNobodysName takes over a city whose slug another one has: it gets a number with
// which it has the slug of no third one, wherever that comes.
func TestNumbersAreNobodysName(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	in := tn.moveIn(installation("Test", "Köln", "Koeln", "Test 2", "koeln-2"))
	var slugs []string
	for _, c := range in.Cities {
		slugs = append(slugs, c.Slug)
	}
	if diff := cmp.Diff([]string{"test-3", "koeln", "koeln-3", "test-2", "koeln-2"}, slugs); diff != "" {
		t.Errorf("slugs (-want +got):\n%s", diff)
	}
}

// TestMovedTextsCanBeSaved takes over texts that nobody could type here: moderators can save
// them, and they turn around no line.
func TestMovedTextsCanBeSaved(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	from := installation(strings.Repeat("Köln ", 2000), "\u202eabc\x1b[2J\x00", "\u202e")
	for i := range from.Cities {
		from.Cities[i].Copy.Page = strings.Repeat("ü\r\n", 40_000)
		from.Cities[i].Bots = []moving.Bot{{Network: "mail", Enabled: true, Page: strings.Repeat("ü", 40_000)}}
	}
	for i, c := range tn.moveIn(from).Cities {
		stored := must(tn.db.FindCity(t.Context(), c.Slug))(t)
		if _, err := tn.Change(t.Context(), c.ID, manage.Patch{Name: &stored.Name, Page: &stored.Page}, ""); err != nil {
			t.Errorf("city %d: %q and %d bytes of its page cannot be saved: %v", i, stored.Name, len(stored.Page), err)
		}
		if strings.ContainsAny(stored.Name+c.Old, "\u202e\x1b\x00") || stored.Name == "" {
			t.Errorf("city %d is called %q", i, stored.Name)
		}
		for _, n := range c.Notes {
			for _, arg := range n.Args {
				if len(arg) > 200 || strings.ContainsAny(arg, "\u202e\x1b") {
					t.Errorf("city %d: %s is said of %.100q", i, n.Key, arg)
				}
			}
		}
	}
}

// TestAnotherInstallation takes over two installations that are known by the same: what comes of
// the second is no more of the first.
func TestAnotherInstallation(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	first, second := installation("Weimar", "Gera", "Jena"), installation("Bonn", "Gera", "Trier")
	one, two := tn.moveIn(first), tn.moveIn(second)
	for i, c := range two.Cities {
		if !c.New || c.ID == one.Cities[i].ID {
			t.Errorf("%s became %s", c.Old, one.Cities[i].Name)
		}
	}
	for _, from := range []moving.Source{first, second} {
		for _, c := range tn.moveIn(from).Cities {
			if c.Changed() {
				t.Errorf("again, %s came as new: %+v", c.Old, c)
			}
		}
	}
}

// TestNumberOfAnotherCity takes over a city that has the number of one that came before, and one
// that was renamed there: nobody gets the reports of another city.
func TestNumberOfAnotherCity(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	from := installation("Weimar", "Gera", "Jena")
	here := tn.moveIn(from).Cities[2]
	from.Cities[2].Name, from.Cities[2].Copy.Name = "Neustadt", "Neustadt"
	from.Cities[2].Admins = append(from.Cities[2].Admins, moving.Admin{ID: 9, ModeratorCopy: db.ModeratorCopy{Email: "new@example.org", Password: "x", Role: string(report.Owner)}})
	again := tn.moveIn(from).Cities[2]
	if again.Changed() || len(again.Notes) != 1 || again.Notes[0].Key != "city_renamed" {
		t.Errorf("what came to %s is %+v", here.Name, again)
	}
	name := "Neustadt"
	must(tn.Change(t.Context(), here.ID, manage.Patch{Name: &name}, ""))(t)
	if renamed := tn.moveIn(from).Cities[2]; renamed.Moderators != 1 || renamed.ID != here.ID {
		t.Errorf("with the same name here, what came is %+v", renamed)
	}
}

// TestImportOnAFullDisk says what the matter is, and stores nothing.
func TestImportOnAFullDisk(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	from := installation("Weimar")
	if tn.db.OnServer() {
		t.Skip("it is about a file")
	}
	page := strings.Repeat("ü", manage.MaxPage)
	for i := range 40 {
		more := installation("Stadt " + strings.Repeat("x", i))
		more.Cities[0].ID = int64(i + 2)
		more.Cities[0].Bots = []moving.Bot{{Network: "mail", Enabled: true, Page: page}}
		from.Cities = append(from.Cities, more.Cities...)
	}
	limit := func(pages int) {
		tn.check(tn.db.Write(t.Context(), func(tx *gorm.DB) error { return tx.Exec("PRAGMA max_page_count = " + strconv.Itoa(pages)).Error }))
	}
	limit(1) // as many as there are
	_, err := tn.MoveIn(t.Context(), from, false)
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("it says %v", err)
	}
	limit(1 << 30)
	if in := tn.moveIn(from); !in.Cities[0].New || !in.Cities[40].New {
		t.Error("something was stored of what failed")
	}
}

// TestTransactionIsOver has the database end the transaction of an import by itself, as it does
// where the disk is full: what was the matter is said, and not that there is no transaction.
func TestTransactionIsOver(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	if tn.db.OnServer() {
		t.Skip("it is about a file")
	}
	err := tn.db.Arrive(t.Context(), tn.Secrets, db.Installation{Program: "ticketfrei2", Key: "one"}, func(a *db.Arrival) error {
		return a.Try(func() error {
			tn.check(a.Tx().Exec("ROLLBACK").Error)
			return errors.New("the disk is full")
		})
	})
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || strings.Contains(err.Error(), "savepoint") {
		t.Errorf("it says %v", err)
	}
	if in := tn.moveIn(installation("Weimar")); !in.Cities[0].New {
		t.Error("the next import did not begin anew")
	}
}

// TestTextsThatAreTooLong takes over a city whose name and page are longer than may be here.
func TestTextsThatAreTooLong(t *testing.T) {
	t.Parallel()
	tn := movable(t)
	from := installation(strings.Repeat("ü", manage.MaxName+1), "Gera")
	from.Cities[0].Copy.Page, from.Cities[1].Copy.Page = strings.Repeat("x", manage.MaxPage+1), strings.Repeat("ü", manage.MaxPage)
	in := tn.moveIn(from)
	got := must(tn.db.City(t.Context(), in.Cities[0].ID))(t)
	if got.Name != strings.Repeat("ü", manage.MaxName) || got.Page != strings.Repeat("x", manage.MaxPage) {
		t.Errorf("%q, and %d characters", got.Name, len(got.Page))
	}
	notes := must(tn.MovedNotes(t.Context(), got.ID))(t)
	if !slices.ContainsFunc(notes, func(n moving.Note) bool { return n.Key == "name_long" }) || !slices.ContainsFunc(notes, func(n moving.Note) bool { return n.Key == "page_long" }) {
		t.Errorf("it is told %+v", notes)
	}
	if got := must(tn.db.City(t.Context(), in.Cities[1].ID))(t); got.Page != from.Cities[1].Copy.Page {
		t.Errorf("%d characters", len(got.Page))
	}
}
