// Package dbtest opens databases for tests.
package dbtest

import (
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// MustOpen opens a new database in a file of its own, with this program's
// tables and those of networks (name → list). It is closed when the test ends.
func MustOpen(tb testing.TB, now func() time.Time, networks map[string][]*gormigrate.Migration) *db.DB {
	tb.Helper()
	d, err := db.Open(tb.Context(), tb.TempDir(), now)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := d.Migrate(tb.Context(), networks); err != nil {
		tb.Fatal(err)
	}
	return d
}

// MustCreateCity creates a city that lets every report pass, with a moderator
// moderator@<slug>.example and a bot on each of the networks.
func MustCreateCity(tb testing.TB, d *db.DB, slug string, networks ...string) report.City {
	tb.Helper()
	m, err := d.CreateModerator(tb.Context(), "moderator@"+slug+".example", "no password")
	if err != nil {
		tb.Fatal(err)
	}
	c, err := d.CreateCity(tb.Context(), report.City{Slug: slug, Name: slug, Language: "en", Triggers: "*"}, m.ID, networks)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// MustSaveReport stores a report with a verdict, whatever its author has said
// before, and returns the stored verdict.
func MustSaveReport(tb testing.TB, d *db.DB, r report.Report, v report.Verdict) report.Verdict {
	tb.Helper()
	saved, err := d.SaveReports(tb.Context(), []db.Judged{{Report: r, Verdict: v}}, NoBrake{})
	if err != nil {
		tb.Fatal(err)
	}
	return saved[0].Verdict
}

// NoBrake is a db.Brake that lets every report pass.
type NoBrake struct{}

var _ db.Brake = NoBrake{}

// Window counts nothing.
func (NoBrake) Window() time.Duration { return 0 }

// Sameness compares texts as they are.
func (NoBrake) Sameness(text string) string { return text }

// Judge lets the verdict stand.
func (NoBrake) Judge(v report.Verdict, _ db.History) report.Verdict { return v }
