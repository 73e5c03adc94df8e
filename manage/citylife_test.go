package manage_test

import (
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

func TestSuspend(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	tn.changes = map[int64]int{}
	for _, reason := range []string{"", " \n"} {
		_, err := tn.Suspend(t.Context(), c.ID, reason)
		tn.wrong(err, "reason")
	}
	off := must(tn.Suspend(t.Context(), c.ID, "Only\nadvertising."))(t)
	if off.State() != report.CitySuspended || off.SuspendedFor != "Only advertising." {
		t.Errorf("it is %+v", off)
	}
	tn.changed(c, 1)
	tn.mailed("moderator@jena.example: jena is suspended | Only advertising. | https://tickets.example/settings")
	if list := must(tn.Bots(t.Context(), off))(t); len(list) != 1 || list[0].State != report.BotOff || !list[0].Enabled {
		t.Errorf("its bots are %+v", list)
	}
	for range 2 { // the second has no effect
		if on := must(tn.Admit(t.Context(), c.ID))(t); on.Off() || on.SuspendedFor != "" {
			t.Errorf("it is %+v", on)
		}
	}
	tn.changed(c, 1)
	tn.mailed("moderator@jena.example: jena goes on | https://tickets.example/city/jena")
}

func TestDeleteAndRestore(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	must(tn.Delete(t.Context(), c.ID))(t)
	until := manage.GoneAfter(tn.now(c))
	if at := until.Sub(tn.now(c).Deleted); at != 7*24*time.Hour {
		t.Errorf("it can be brought back for %s", at)
	}
	tn.mailed("moderator@jena.example: was deleted | " + until.UTC().Format("2006-01-02 15:04") + " UTC | https://tickets.example/settings")
	tn.check(tn.DeleteDue(t.Context(), until)) // not yet
	if back := must(tn.Restore(t.Context(), c.ID))(t); back.Off() {
		t.Errorf("it is %s", back.State())
	}
	tn.mailed("moderator@jena.example: jena is back")
	tn.check(tn.DeleteDue(t.Context(), until.Add(time.Hour)))
	must(tn.Restore(t.Context(), c.ID))(t) // has no effect
	tn.mailed()

	must(tn.Delete(t.Context(), c.ID))(t)
	tn.mails = nil
	tn.check(tn.DeleteDue(t.Context(), until.Add(time.Minute)))
	_, err := tn.Find(t.Context(), "jena")
	tn.is(err, db.ErrNotFound)
	if len(tn.tram.forgot) != 1 {
		t.Errorf("forgotten are %v", tn.tram.forgot)
	}
}

func TestDeleteForGoodIsMailed(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.check(tn.DeleteNow(t.Context(), tn.city("jena").ID))
	tn.mailed("moderator@jena.example: jena was deleted for good")
}

func TestRenameCity(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c, other := tn.city("jena"), tn.city("gera")
	for slug, text := range map[string]string{"gera": "form.city.taken", "postmaster": "form.city.reserved", "Jena Nord": "form.short.invalid"} {
		_, err := tn.Rename(t.Context(), c.ID, slug)
		if p := tn.wrong(err, "slug")[0]; p.TextID != text {
			t.Errorf("%s: %s", slug, p.TextID)
		}
		if p := tn.wrong(tn.AddAlias(t.Context(), c.ID, slug), "slug")[0]; p.TextID != text {
			t.Errorf("alias %s: %s", slug, p.TextID)
		}
	}
	tn.mailed()
	must(tn.Rename(t.Context(), c.ID, "jena-nord"))(t)
	tn.mailed("moderator@jena.example: https://tickets.example/city/jena-nord | jena-nord@tickets.example | “jena”")
	_, err := tn.Create(t.Context(), manage.NewCity{Name: "Jena", Language: "de", Operator: true, Email: "m@example.org"})
	if p := tn.wrong(err, "name")[0]; p.TextID != "form.city.taken" {
		t.Errorf("a city with the alias: %s", p.TextID)
	}
	// The operator gives a former name away, also as an alias.
	tn.check(tn.DeleteNow(t.Context(), c.ID))
	must(tn.Rename(t.Context(), other.ID, "jena-nord"))(t)
	tn.check(tn.AddAlias(t.Context(), other.ID, "jena"))
	if found := must(tn.Find(t.Context(), "jena"))(t); found.ID != other.ID {
		t.Errorf("jena is %+v", found)
	}
}

func TestSignup(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	owner := must(tn.db.CreateModerator(t.Context(), "anna@example.org", "hash"))(t)
	add := func(name string, operator bool) (manage.Made, error) {
		return tn.Create(t.Context(), manage.NewCity{Name: name, Language: "en", Owner: owner.ID, Operator: operator, Email: owner.Email})
	}
	must(add("Open", false))(t)
	tn.mailed("operator@tickets.example: Open (open) | a…@example.org has added | https://tickets.example/city/open | city suspend open")

	tn.SetDoor(manage.Door{Signup: config.SignupApproval, Operator: "operator@tickets.example"})
	c := must(add("Waits", false))(t)
	if c.State() != report.CityWaiting {
		t.Errorf("it is %s", c.State())
	}
	tn.mailed("operator@tickets.example: Waits (waits) | city resume waits | city delete waits")
	must(tn.Admit(t.Context(), c.ID))(t)
	tn.mailed("anna@example.org: Waits can begin | waits@tickets.example")
	if c := must(add("Own", true))(t); c.Off() {
		t.Errorf("one of the operator's is %s", c.State())
	}

	tn.SetDoor(manage.Door{Signup: config.SignupClosed, Operator: "operator@tickets.example"})
	_, err := add("Closed", false)
	tn.is(err, manage.ErrSignupClosed)
	reg := must(tn.db.CreateRegistration(t.Context(), db.Registration{Email: "b@example.org", CityName: "Late", Slug: "late", Language: "en"}))(t)
	_, _, err = tn.Confirm(t.Context(), reg, "hash")
	tn.is(err, manage.ErrSignupClosed)
	must(add("Closed", true))(t)
	tn.mailed()
}
