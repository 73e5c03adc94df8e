package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

func TestCityNamesAreUnique(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "nuernberg", "mail")
	if _, err := d.CreateCity(t.Context(), report.City{Slug: "nuernberg"}, 1, nil); !errors.Is(err, db.ErrTaken) {
		t.Errorf("second city: %v, want ErrTaken", err)
	}
	got, err := d.FindCity(t.Context(), "nuernberg")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Error(diff)
	}
	if _, err := d.FindCity(t.Context(), "fuerth"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("unknown city: %v, want ErrNotFound", err)
	}
}

func TestFindCityBot(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "nuernberg", "mail")
	dbtest.MustCreateCity(t, d, "fuerth", "toy", "mail")
	mail, err := d.FindBot(t.Context(), c.ID, "mail")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetBotState(t.Context(), mail.ID, report.BotTrouble, "no", true); err != nil {
		t.Fatal(err)
	}
	if err := d.EnableBot(t.Context(), mail.ID, false); err != nil {
		t.Fatal(err)
	}
	if mail, err = d.Bot(t.Context(), mail.ID); err != nil {
		t.Fatal(err)
	}
	c.Triggers = "" // what is long is left out
	for _, tt := range []struct {
		slug, network string
		city          report.City
		bot           report.Bot
		err           error
	}{
		{"nuernberg", "mail", c, mail, nil},
		{"nuernberg", "toy", c, report.Bot{}, db.ErrNotFound},
		{"erlangen", "mail", report.City{}, report.Bot{}, db.ErrNotFound},
	} {
		city, bot, err := d.FindCityBot(t.Context(), tt.slug, tt.network)
		if !errors.Is(err, tt.err) {
			t.Errorf("%s, %s: %v, want %v", tt.slug, tt.network, err, tt.err)
		}
		if diff := cmp.Diff(tt.city, city) + cmp.Diff(tt.bot, bot); diff != "" {
			t.Errorf("%s, %s: %s", tt.slug, tt.network, diff)
		}
	}
}

func TestSearchOfCities(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	for slug, name := range map[string]string{"nuernberg": "Nürnberg", "fuerth": "Fürth", "erlangen": "Erlangen"} {
		c := dbtest.MustCreateCity(t, d, slug)
		dbtest.MustSaveTexts(t, d, c.ID, name, "de", "")
	}
	for search, want := range map[string][]string{
		"":      {"Erlangen", "Fürth", "Nürnberg"},
		"NUERN": {"Nürnberg"},
		"ürn":   {"Nürnberg"},
		"r":     {"Erlangen", "Fürth", "Nürnberg"},
		"%":     {},
	} {
		list, err := d.Cities(t.Context(), search, 10)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, c := range list {
			got = append(got, c.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("search %q: %s", search, diff)
		}
	}
}

func TestDeleteCityTakesEverythingWithIt(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail")
	kept := dbtest.MustCreateCity(t, d, "kept", "mail")
	for _, city := range []report.City{c, kept} {
		b, err := d.FindBot(t.Context(), city.ID, "mail")
		if err != nil {
			t.Fatal(err)
		}
		h := dbtest.MustHear(t, d, newReport(city, "r"+city.Slug, "a", "text", noon))
		saved := dbtest.MustJudge(t, d, h, report.Verdict{Passed: true}, dbtest.NoBrake{}, db.Audience{BotID: b.ID, Recipients: []int64{1, 2}})
		dbtest.MustSaveOutcomes(t, d, db.Outcome{Fanout: &saved.Fanouts[0], Open: 2, Counts: db.Counts{Sent: 1},
			Receipts: []db.SentReceipt{{Recipient: 1, Receipt: report.Receipt{ID: "7"}}}})
	}
	if err := d.DeleteCity(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"cities", "bots", "reports", "fanouts", "outcomes", "receipts", "moderators", "city_moderators"} {
		var n int
		if err := d.Read(t.Context()).Raw("SELECT count(*) FROM " + table).Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		if n != 1 {
			t.Errorf("%s: %d rows left, want those of the other city: 1", table, n)
		}
	}
}

func TestLastModeratorStays(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	inv, err := d.CreateInvitation(t.Context(), db.Invitation{CityID: c.ID, Email: "second@example.org", Role: report.Owner})
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.AcceptInvitation(t.Context(), inv.ID, "hash")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.AcceptInvitation(t.Context(), inv.ID, "hash"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("accepted twice: %v", err)
	}
	if err := d.RemoveModerator(t.Context(), c.ID, 1); err != nil {
		t.Fatal(err)
	}
	if err := d.RemoveModerator(t.Context(), c.ID, second.ID); !errors.Is(err, db.ErrTaken) {
		t.Errorf("removed the last one: %v", err)
	}
	list, err := d.CityModerators(t.Context(), c.ID)
	if err != nil || len(list) != 1 || list[0].Email != "second@example.org" {
		t.Errorf("moderators = %v, %v", list, err)
	}
}

func TestConfirmRegistrationOnce(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	reg, err := d.CreateRegistration(t.Context(), db.Registration{Email: "m@example.org", CityName: "Fürth", Slug: "fuerth", Language: "de"})
	if err != nil {
		t.Fatal(err)
	}
	results := make([]error, 4)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			_, _, results[i] = d.ConfirmRegistration(context.Background(), reg.ID, "hash", report.City{Slug: "fuerth", Name: "Fürth"}, []string{"mail"})
		})
	}
	wg.Wait()
	ok := 0
	for _, err := range results {
		switch {
		case err == nil:
			ok++
		case !errors.Is(err, db.ErrNotFound):
			t.Error(err)
		}
	}
	if ok != 1 {
		t.Errorf("%d confirmations made a city, want 1", ok)
	}
}
