package db_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// TestOldRegistrationsWait has a sign-up wait over the upgrade. The password that
// was typed with it is in no file afterwards.
func TestOldRegistrationsWait(t *testing.T) {
	dir := t.TempDir()
	d, err := db.Open(t.Context(), dir, clock, silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.MigrateCore(t.Context(), db.UpToLogins); err != nil {
		t.Fatal(err)
	}
	const typed = "$argon2id$typed-by-a-stranger"
	err = d.Write(t.Context(), func(tx *gorm.DB) error {
		return db.SQL(`INSERT INTO registrations (email, password, city_name, slug, language, created)
			VALUES ('m@example.org', '`+typed+`', 'Fürth', 'fuerth', 'de', 0)`,
			`INSERT INTO sessions VALUES ('token', 'data', 9999999999999)`)(tx)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), nil); err != nil {
		t.Fatal(err)
	}
	reg, err := d.Registration(t.Context(), 1)
	if err != nil || reg.Email != "m@example.org" || reg.Slug != "fuerth" {
		t.Fatalf("%+v, %v", reg, err)
	}
	_, m, err := d.ConfirmRegistration(t.Context(), 1, "hash of the owner", report.City{Slug: "fuerth", Name: "Fürth", Language: "de"}, nil)
	if err != nil || m.Password != "hash of the owner" {
		t.Errorf("%+v, %v", m, err)
	}
	if _, found, err := d.Sessions().FindCtx(t.Context(), "token"); err != nil || found {
		t.Errorf("a session of before: %v, %v", found, err)
	}
	if _, err := d.EmptyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{db.FileName, db.FileName + "-wal"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || strings.Contains(string(raw), typed) {
			t.Errorf("%s holds the stranger's password (%v)", name, err)
		}
	}
}

// TestLoginEndsWithThePassword changes a password while somebody logs in with it.
func TestLoginEndsWithThePassword(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	m, err := d.CreateModerator(t.Context(), "m@example.org", "old")
	if err != nil {
		t.Fatal(err)
	}
	login, err := d.LogIn(t.Context(), m, "Firefox, Linux")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.LoggedIn(t.Context(), login.ID); err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
	if err := d.SetPassword(t.Context(), m, "new"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.LoggedIn(t.Context(), login.ID); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("a login with the old password: %v", err)
	}
	if _, err := d.LogIn(t.Context(), m, ""); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("logged in with a password that was changed meanwhile: %v", err)
	}
}

// TestSlugOfADeletedCity keeps nothing of the city but its slug and the day.
func TestSlugOfADeletedCity(t *testing.T) {
	now := time.Date(2026, 5, 4, 13, 14, 15, 0, time.UTC)
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	c := dbtest.MustCreateCity(t, d, "fuerth")
	if err := d.DeleteCity(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	var kept []struct {
		Slug    string
		Deleted int64
	}
	if err := d.Read(t.Context()).Raw("SELECT * FROM former_cities").Scan(&kept).Error; err != nil || len(kept) != 1 {
		t.Fatalf("%v, %v", kept, err)
	}
	if kept[0].Slug != "fuerth" || kept[0].Deleted != now.Truncate(24*time.Hour).UnixMilli() {
		t.Errorf("kept %+v", kept[0])
	}
	m, err := d.CreateModerator(t.Context(), "other@example.org", "hash")
	if err != nil {
		t.Fatal(err)
	}
	create := func() error {
		_, err := d.CreateCity(t.Context(), report.City{Slug: "fuerth", Name: "Fürth", Language: "de"}, m.ID, nil)
		return err
	}
	if err := create(); !errors.Is(err, db.ErrTaken) {
		t.Errorf("somebody else has the slug: %v", err)
	}
	if err := d.FreeSlug(t.Context(), "fuerth"); err != nil {
		t.Fatal(err)
	}
	if err := create(); err != nil {
		t.Errorf("freed by the operator: %v", err)
	}
}

// TestLimitsAreTakenBack counts nothing where one limit is reached, and takes back what was
// counted.
func TestLimitsAreTakenBack(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	wide, narrow := db.Limit{Key: "wide", Max: 3, Within: time.Hour}, db.Limit{Key: "narrow", Max: 1, Within: time.Hour}
	count := func(want string, limits ...db.Limit) {
		t.Helper()
		if reached, err := d.Count(t.Context(), limits...); err != nil || reached != want {
			t.Errorf("reached %q, want %q, %v", reached, want, err)
		}
	}
	count("", wide, narrow)
	count("narrow", wide, narrow) // which counts no wide one
	count("", wide)
	count("", wide)
	count("wide", wide)
	if err := d.Uncount(t.Context(), wide); err != nil {
		t.Fatal(err)
	}
	count("", wide)
	count("wide", wide)
}

// TestLimitsLast counts over a restart, and not beyond the time.
func TestLimitsLast(t *testing.T) {
	now := clock()
	dir := t.TempDir()
	count := func() string {
		t.Helper()
		d, err := db.Open(t.Context(), dir, func() time.Time { return now }, silent)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), nil); err != nil {
			t.Fatal(err)
		}
		reached, err := d.Count(t.Context(), db.Limit{Key: "wide", Max: 10, Within: time.Hour}, db.Limit{Key: "narrow", Max: 2, Within: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return reached
	}
	for _, want := range []string{"", "", "narrow", "narrow"} {
		if got := count(); got != want {
			t.Errorf("reached %q, want %q", got, want)
		}
	}
	now = now.Add(time.Hour)
	if got := count(); got != "" {
		t.Errorf("an hour later: reached %q", got)
	}
	now = now.Add(-48 * time.Hour)
	if got := count(); got != "" {
		t.Errorf("after the clock was set back: reached %q", got)
	}
}
