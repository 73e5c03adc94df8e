package dbtest

import (
	"testing"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// MustSaveRules gives a city its rules.
func MustSaveRules(tb testing.TB, d *db.DB, cityID int64, triggers, blocked string) {
	tb.Helper()
	mustChange(tb, d, cityID, func(c *report.City) { c.Triggers, c.Blocked = triggers, blocked })
}

// MustSaveHearing says whether a city answers questions, and takes replies for reports.
func MustSaveHearing(tb testing.TB, d *db.DB, cityID int64, questions, replies bool) {
	tb.Helper()
	mustChange(tb, d, cityID, func(c *report.City) { c.Questions, c.Replies = questions, replies })
}

// MustSaveTexts gives a city its name, its language and the markdown of its page.
func MustSaveTexts(tb testing.TB, d *db.DB, cityID int64, name, language, page string) {
	tb.Helper()
	mustChange(tb, d, cityID, func(c *report.City) { c.Name, c.Language, c.Page = name, language, page })
}

// MustSavePlaces gives a city its lines and stops.
func MustSavePlaces(tb testing.TB, d *db.DB, cityID int64, text string) {
	tb.Helper()
	if err := d.ReplacePlaces(tb.Context(), cityID, text, func(string) error { return nil }); err != nil {
		tb.Fatal(err)
	}
}

func mustChange(tb testing.TB, d *db.DB, cityID int64, set func(*report.City)) {
	tb.Helper()
	_, err := d.ChangeCity(tb.Context(), cityID, func(c *report.City) error {
		set(c)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}
