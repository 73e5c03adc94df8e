package manage_test

import (
	"errors"
	"strings"
	"testing"

	"ticketfrei/db"
	"ticketfrei/manage"
)

func TestOperatorMakesACity(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	n := manage.NewCity{Name: " Nürnberg  Süd", Language: "de", Zone: "Europe/Berlin", Operator: true, Email: " One@Example.org", Password: "zwölf Kontis im Regen"}
	made := must(tn.Create(t.Context(), n))(t)
	c := tn.now(made.City)
	if c.Name != "Nürnberg Süd" || c.Slug != "nuernberg-sued" || c.Zone != "Europe/Berlin" || c.Triggers != manage.DefaultRules("de").Triggers || !c.Questions {
		t.Errorf("made %+v", c)
	}
	if list := must(tn.Bots(t.Context(), c))(t); len(list) != 1 || list[0].Network != "tram" || !list[0].Enabled {
		t.Errorf("its bots are %+v", list)
	}
	if !made.New || made.Owner.Email != "one@example.org" || made.Owner.Password == "" {
		t.Errorf("its moderator is %+v", made.Owner)
	}
	tn.changed(c, 1)
	t.Run("another of the same moderator", func(t *testing.T) {
		second := must(tn.Create(t.Context(), manage.NewCity{Name: "Fürth", Slug: "fuerth", Language: "de", Operator: true, Email: "one@example.org"}))(t)
		if second.New || second.Owner.ID != made.Owner.ID || second.Owner.Password != made.Owner.Password {
			t.Errorf("its moderator is %+v", second.Owner)
		}
	})
	t.Run("the same again", func(t *testing.T) {
		_, err := tn.Create(t.Context(), n)
		tn.wrong(err, "name")
		n.Slug = "nuernberg-sued"
		_, err = tn.Create(t.Context(), n)
		tn.wrong(err, "slug")
	})
	t.Run("without a password nobody can log in before setting one", func(t *testing.T) {
		made := must(tn.Create(t.Context(), manage.NewCity{Name: "Erlangen", Language: "de", Operator: true, Email: "two@example.org"}))(t)
		if !made.New || made.Owner.Password != "" {
			t.Errorf("its moderator is %+v", made.Owner)
		}
	})
}

func TestAllThatIsWrongWithANewCityIsSaid(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	for _, tt := range []struct {
		name   string
		city   manage.NewCity
		fields string
	}{
		{"nothing", manage.NewCity{Operator: true}, "name language email"},
		{"everything", manage.NewCity{Name: "Köln", Slug: "Köln", Language: "xx", Zone: "Europe/Köln", Operator: true, Email: "a b@c", Password: "short"},
			"slug language zone email password"},
		{"a name without letters", manage.NewCity{Name: "!!", Language: "de", Operator: true, Email: "a@b.example"}, "name"},
		{"a long name", manage.NewCity{Name: strings.Repeat("ö", manage.MaxName+1), Slug: "oe2", Language: "de", Operator: true, Email: "a@b.example"}, "name"},
		{"a reserved slug", manage.NewCity{Name: "Post", Slug: "postmaster", Language: "de", Operator: true, Email: "a@b.example"}, "slug"},
		{"a password that is the name", manage.NewCity{Name: "Schweinfurt", Language: "de", Operator: true, Email: "a@b.example", Password: "Schweinfurt1"}, "password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tn.Create(t.Context(), tt.city)
			tn.wrong(err, strings.Fields(tt.fields)...)
		})
	}
	if list := must(tn.List(t.Context(), "", 10))(t); len(list) != 0 {
		t.Errorf("there are cities: %v", list)
	}
}

// The address of a deleted city stands on posters: only the operator gives it away.
func TestFormerCity(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	owner := must(tn.db.CreateModerator(t.Context(), "m@example.org", "hash"))(t)
	c := tn.city("jena")
	tn.check(tn.DeleteNow(t.Context(), c.ID))
	_, err := tn.Create(t.Context(), manage.NewCity{Name: "Jena", Language: "de", Owner: owner.ID})
	if p := tn.wrong(err, "name")[0]; p.TextID != "form.city.former" {
		t.Errorf("wrong is %s", p.TextID)
	}
	again := must(tn.Create(t.Context(), manage.NewCity{Name: "Jena", Language: "de", Operator: true, Email: "m@example.org"}))(t)
	if again.Slug != "jena" || again.Owner.ID != owner.ID {
		t.Errorf("made %+v", again)
	}
}

func TestDeleteCityForGood(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c, other := tn.city("jena"), tn.city("gera")
	bell := tn.ring(c)
	tn.changes = map[int64]int{}
	tn.bell.err = errors.New("no")
	failed, ok := errors.AsType[*manage.ForgetError](tn.DeleteNow(t.Context(), c.ID))
	if !ok || failed.Network != "bell" {
		t.Fatalf("the error is %v", failed)
	}
	if b := must(tn.db.Bot(t.Context(), bell.ID))(t); b.Enabled {
		t.Error("the bot that was not forgotten works on")
	}
	tn.bell.err = nil
	tn.check(tn.DeleteNow(t.Context(), c.ID))
	if _, err := tn.Find(t.Context(), "jena"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("it is there: %v", err)
	}
	if len(tn.tram.forgot) != 1 || len(tn.bell.forgot) != 2 {
		t.Errorf("forgotten are %v and %v", tn.tram.forgot, tn.bell.forgot)
	}
	tn.is(tn.DeleteNow(t.Context(), c.ID), db.ErrNotFound)
	if tn.now(other).Slug != "gera" || tn.changes[other.ID] != 0 {
		t.Error("another city was touched")
	}
}
