package db_test

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// What comes from outside, and how it is stored.
const (
	rawText    = "U1\x00 Pl\xe4rrer 🚇"
	storedText = "U1 Pl\uFFFDrrer 🚇"
)

// TestTextIsStoredValid has text come in by every way to the database: as a statement of
// gorm's, as one past it, within a transaction and outside, and as a type of ours.
func TestTextIsStoredValid(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city", "mail")
	dbtest.MustSaveTexts(t, d, c.ID, rawText, "en", rawText) // gorm's Updates
	if got, err := d.City(t.Context(), c.ID); err != nil || got.Name != storedText || got.Page != storedText {
		t.Errorf("a city is stored as %q, %q, %v", got.Name, got.Page, err)
	}
	if got, err := d.Cities(t.Context(), rawText, 1); err != nil || len(got) != 1 {
		t.Errorf("a search with what was typed finds %d cities, %v", len(got), err)
	}
	m, err := d.CreateModerator(t.Context(), rawText, "") // gorm's Create
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.FindModerator(t.Context(), rawText); err != nil || got.ID != m.ID || got.Email != storedText {
		t.Errorf("the address that was typed finds %+v, %v", got, err)
	}
	r := newReport(c, rawText, rawText, "text", noon)
	r.Visibility = report.Visibility(rawText) // a type of ours, past gorm
	if err := d.Hear(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	list, err := d.UnjudgedOf(t.Context(), c.ID, 0, 10)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d reports wait, %v", len(list), err)
	}
	if got := list[0].Report; got.ID != storedText || got.Author != storedText || got.Visibility != storedText {
		t.Errorf("a report is stored as %+v", got)
	}
	if there, err := d.Knows(t.Context(), c.ID, rawText); err != nil || !there { // ReadRow
		t.Errorf("its id finds it: %v, %v", there, err)
	}
	if err := d.AddLog(t.Context(), 1, db.LogLine{At: noon, Level: "INFO", Text: rawText}); err != nil { // gorm's Exec
		t.Fatal(err)
	}
	if lines, err := d.BotLogs(t.Context(), db.LogFilter{CityID: c.ID, Network: "mail", Limit: 10}); err != nil || len(lines) != 1 || lines[0].Text != storedText {
		t.Errorf("the log says %+v, %v", lines, err)
	}
}

// TestBytesAreNoText stores what is no text as it is.
func TestBytesAreNoText(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	if err := d.Sessions().CommitCtx(t.Context(), "token", []byte(rawText), noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if data, found, err := d.Sessions().FindCtx(t.Context(), "token"); err != nil || !found || string(data) != rawText {
		t.Errorf("a session holds %q, %v, %v", data, found, err)
	}
}

// TestInvalidTextIsNoDifference has two texts that are stored the same be the same.
func TestInvalidTextIsNoDifference(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	sessions := d.Sessions()
	for _, token := range []string{"to\x00ken", "token"} {
		if err := sessions.CommitCtx(t.Context(), token, []byte(token), noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	err := d.Write(t.Context(), func(tx *gorm.DB) error {
		return tx.Raw("SELECT count(*) FROM sessions WHERE token IN ?", []string{"tok\x00en", "other"}).Scan(&n).Error
	})
	if err != nil || n != 1 {
		t.Errorf("%d sessions, %v", n, err)
	}
	first := newReport(c, "i\x00d", "", "text", noon)
	again := first
	again.ID = "id"
	dbtest.MustHear(t, d, again)
	if err := d.Hear(t.Context(), first); err != nil || d.Backlog() != 1 {
		t.Errorf("the same id once more: %v, %d reports wait", err, d.Backlog())
	}
}
