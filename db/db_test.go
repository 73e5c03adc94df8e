package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

func TestGroupedWritesFailAlone(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	const writers = 64
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			errs[i] = d.Write(t.Context(), func(tx *gorm.DB) error {
				if err := tx.Exec("INSERT INTO moderators (email, password, created) VALUES (?, '', 0)", fmt.Sprint(i)).Error; err != nil {
					return err
				}
				switch i % 8 {
				case 3:
					return errors.New("no")
				case 5:
					panic("no")
				}
				return nil
			})
		})
	}
	wg.Wait()
	for i, err := range errs {
		_, findErr := d.FindModerator(t.Context(), fmt.Sprint(i))
		failed := i%8 == 3 || i%8 == 5
		if (err != nil) != failed || errors.Is(findErr, db.ErrNotFound) != failed {
			t.Errorf("write %d: err = %v, row: %v", i, err, findErr)
		}
	}
}

func TestReadHandleRefusesWrites(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	if err := d.Read(t.Context()).Exec("DELETE FROM cities").Error; err == nil {
		t.Error("the read handle wrote")
	}
}

func TestWriteAfterClose(t *testing.T) {
	d, err := db.Open(t.Context(), t.TempDir(), clock)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), func(*gorm.DB) error { return nil }); err == nil {
		t.Error("wrote to a closed database")
	}
}

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
		if err := d.SaveTexts(t.Context(), c.ID, name, "de", ""); err != nil {
			t.Fatal(err)
		}
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

func newReport(c report.City, id, author, text string, at time.Time) report.Report {
	return report.Report{ID: id, CityID: c.ID, BotID: 1, Network: "toy", NetworkID: "n" + id, Author: author,
		Text: text, Visibility: report.Public, Time: at, Received: at}
}

// alike is a brake that holds a report if its author has said the same before,
// ignoring case. It records what it was asked.
type alike struct {
	window time.Duration
	told   []db.History
}

func (a *alike) Window() time.Duration       { return a.window }
func (a *alike) Sameness(text string) string { return strings.ToLower(text) }
func (a *alike) Judge(v report.Verdict, said db.History) report.Verdict {
	a.told = append(a.told, said)
	if said.Same > 0 {
		return report.Verdict{Reason: report.ReasonRepeated}
	}
	return v
}

func TestHistoryOfAnAuthor(t *testing.T) {
	type step struct {
		author, text string
		after        time.Duration
		held         bool // by the rules
	}
	first := step{author: "a", text: "u1"}
	tests := []struct {
		name   string
		before []step
		last   step
		want   []db.History // of the last
	}{
		{"nothing", nil, first, []db.History{{}}},
		{"the same", []step{first}, step{"a", "U1", time.Minute, false}, []db.History{{Same: 1, All: 1}}},
		{"something else", []step{first, {"a", "u2", 0, false}}, step{"a", "u3", time.Minute, false}, []db.History{{All: 2}}},
		{"by another", []step{first}, step{"b", "u1", 0, false}, []db.History{{}}},
		{"before the window", []step{first}, step{"a", "u1", 10 * time.Minute, false}, []db.History{{}}},
		{"later, and came sooner", []step{{"a", "u1", 5 * time.Minute, false}}, first, []db.History{{Same: 1, All: 1}}},
		{"what was held", []step{{"a", "u1", 0, true}}, first, []db.History{{}}},
		{"of what is held nobody asks", []step{first}, step{"a", "u1", 0, true}, nil},
		{"of nobody in particular nobody asks", []step{{"", "u1", 0, false}}, step{"", "u1", 0, false}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dbtest.MustOpen(t, clock, nil)
			c := dbtest.MustCreateCity(t, d, "city")
			brake := &alike{window: 10 * time.Minute}
			for i, s := range append(tt.before, tt.last) {
				brake.told = nil
				j := db.Judged{Report: newReport(c, fmt.Sprint(i), s.author, s.text, noon.Add(s.after)), Verdict: report.Verdict{Passed: !s.held}}
				if _, err := d.SaveReports(t.Context(), []db.Judged{j}, brake); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, brake.told); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What waited for its verdict is stored at once, and only once, even if it
// comes again after some of it was fanned out.
func TestSaveReportsTogether(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	passed := report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "u1"}
	held := report.Verdict{Reason: report.ReasonNoTrigger}
	judged := []db.Judged{
		{Report: newReport(c, "1", "a", "u1", noon), Verdict: passed},
		{Report: newReport(c, "2", "a", "U1", noon), Verdict: passed},
		{Report: newReport(c, "3", "", "hello", noon), Verdict: held},
		{Report: newReport(c, "1", "a", "u1", noon), Verdict: passed},
		{Report: newReport(c, "4", "b", "u1", noon), Verdict: passed},
	}
	save := func(list []db.Judged) []db.Saved {
		t.Helper()
		saved, err := d.SaveReports(t.Context(), list, &alike{window: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return saved
	}
	repeated := db.Saved{Verdict: report.Verdict{Reason: report.ReasonRepeated}}
	want := []db.Saved{{Verdict: passed}, repeated, {Verdict: held}, {Verdict: passed}, {Verdict: passed}}
	if diff := cmp.Diff(want, save(judged)); diff != "" {
		t.Error(diff)
	}
	if err := d.SetFannedOut(t.Context(), []string{"1", "4", "unknown"}); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 3, 4} {
		want[i].FannedOut = true
	}
	judged[2].Verdict = passed // the rules were changed in the meantime
	if diff := cmp.Diff(want, save(judged)); diff != "" {
		t.Errorf("again: %s", diff)
	}
	gone := newReport(c, "5", "", "u1", noon)
	gone.CityID = 99
	if _, err := d.SaveReports(t.Context(), []db.Judged{{Report: gone, Verdict: passed}}, dbtest.NoBrake{}); err == nil {
		t.Error("a report of a city that is gone was stored")
	}
	got, err := d.Report(t.Context(), c.ID, "1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(judged[0], got); diff != "" {
		t.Errorf("stored: %s", diff)
	}
}

func TestDeliveryEnd(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	delivery := report.NewDelivery(report.Report{ID: "r"}, report.Bot{ID: 1}, "x")
	if _, err := d.DeliveryEnd(t.Context(), delivery.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("before its end: %v, want ErrNotFound", err)
	}
	for _, o := range []db.Outcome{
		{Delivery: delivery, Result: db.Failed, Error: "no such account"},
		{Delivery: delivery, Result: db.Sent, Receipt: report.Receipt{ID: "7", URL: "https://example.org/7"}},
	} {
		if err := d.RecordOutcome(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		got, err := d.DeliveryEnd(t.Context(), delivery.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(db.Ended{Result: o.Result, Receipt: o.Receipt, Error: o.Error, At: noon}, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestMutedInOneCity(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	other := dbtest.MustCreateCity(t, d, "other")
	if err := d.Mute(t.Context(), c.ID, "a"); err != nil {
		t.Fatal(err)
	}
	muted := func(c report.City, id string) bool {
		t.Helper()
		brake := &alike{}
		j := db.Judged{Report: newReport(c, id, "a", id, noon), Verdict: report.Verdict{Passed: true}}
		if _, err := d.SaveReports(t.Context(), []db.Judged{j}, brake); err != nil {
			t.Fatal(err)
		}
		return brake.told[0].Muted
	}
	if !muted(c, "1") {
		t.Error("not muted")
	}
	if muted(other, "2") {
		t.Error("muted in another city")
	}
	if err := d.Unmute(t.Context(), c.ID, "a"); err != nil {
		t.Fatal(err)
	}
	if muted(c, "3") {
		t.Error("muted after unmute")
	}
}

func TestDeleteCityTakesEverythingWithIt(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail")
	kept := dbtest.MustCreateCity(t, d, "kept", "mail")
	for _, city := range []report.City{c, kept} {
		r := newReport(city, "r"+city.Slug, "a", "text", noon)
		dbtest.MustSaveReport(t, d, r, report.Verdict{Passed: true})
		if err := d.RecordOutcome(t.Context(), db.Outcome{Delivery: report.NewDelivery(r, report.Bot{ID: 1}, ""), Result: db.Sent}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.DeleteCity(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"cities", "bots", "reports", "deliveries", "moderators", "city_moderators"} {
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
	inv, err := d.CreateInvitation(t.Context(), c.ID, "second@example.org")
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
	reg, err := d.CreateRegistration(t.Context(), db.Registration{Email: "m@example.org", Password: "hash", CityName: "Fürth", Slug: "fuerth", Language: "de"})
	if err != nil {
		t.Fatal(err)
	}
	results := make([]error, 4)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			_, _, results[i] = d.ConfirmRegistration(context.Background(), reg.ID, report.City{Slug: "fuerth", Name: "Fürth"}, []string{"mail"})
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

func TestBotLogKeepsTheLastLines(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	dbtest.MustCreateCity(t, d, "city", "mail")
	for i := range db.LogLines + 7 {
		if err := d.AddLog(t.Context(), 1, db.LogLine{At: noon, Level: "INFO", Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := d.Log(t.Context(), 1, 1000)
	if err != nil || len(lines) != db.LogLines || lines[0].Text != fmt.Sprint(db.LogLines+6) {
		t.Errorf("%d lines, first %v, %v", len(lines), lines[0], err)
	}
	if err := d.AddLog(t.Context(), 99, db.LogLine{Text: "of a bot that is gone"}); err != nil {
		t.Error(err)
	}
}

func TestDeleteExpired(t *testing.T) {
	now := noon
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	save := func(id string) {
		r := newReport(c, id, id, id, now)
		dbtest.MustSaveReport(t, d, r, report.Verdict{Passed: true})
	}
	save("old")
	now = now.Add(24 * time.Hour)
	save("new")
	if err := d.DeleteExpired(t.Context(), 24*time.Hour-time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Report(t.Context(), c.ID, "old"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("old report: %v", err)
	}
	if _, err := d.Report(t.Context(), c.ID, "new"); err != nil {
		t.Errorf("new report: %v", err)
	}
}

func TestMigrations(t *testing.T) {
	one := &gormigrate.Migration{ID: "toy_0001", Migrate: db.SQL("CREATE TABLE toy_a (id INTEGER)")}
	two := &gormigrate.Migration{ID: "toy_0002", Migrate: db.SQL("ALTER TABLE toy_a ADD COLUMN name TEXT")}
	dir := t.TempDir()
	migrate := func(list ...*gormigrate.Migration) error {
		d, err := db.Open(t.Context(), dir, clock)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		return d.Migrate(t.Context(), map[string][]*gormigrate.Migration{"toy": list})
	}
	for name, list := range map[string][]*gormigrate.Migration{"first": {one}} {
		if err := migrate(list...); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := migrate(one, two); err != nil {
		t.Fatalf("upgrade: %v", err)
	}
	if err := migrate(one, two); err != nil {
		t.Fatalf("again: %v", err)
	}
	if err := migrate(one); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a database from the future: %v", err)
	}
}

func TestDamagedFileIsRefusedWithAdvice(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, db.FileName), []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := db.Open(t.Context(), dir, clock)
	if err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("error = %v, want advice about the backup", err)
	}
}

func TestBackupCanBeOpened(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	dbtest.MustCreateCity(t, d, "city")
	dir := t.TempDir()
	if err := d.Backup(t.Context(), filepath.Join(dir, db.FileName)); err != nil {
		t.Fatal(err)
	}
	restored, err := db.Open(t.Context(), dir, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	if _, err := restored.FindCity(t.Context(), "city"); err != nil {
		t.Error(err)
	}
}
