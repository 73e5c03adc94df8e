// Package dbtest opens databases for tests.
package dbtest

import (
	"testing"
	"time"

	"github.com/go-gormigrate/gormigrate/v2"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// MustOpen opens a new database of its own, with this program's
// tables and those of networks (name → list): a file, or on a server where ServerVariable
// is set. It is closed when the test ends.
func MustOpen(tb testing.TB, now func() time.Time, networks map[string][]*gormigrate.Migration) *db.DB {
	tb.Helper()
	return MustOpenAt(tb, MustMakeHome(tb), now, networks)
}

// MustMakeBox returns a box with a key that every test has.
func MustMakeBox(tb testing.TB) *secret.Box {
	tb.Helper()
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		tb.Fatal(err)
	}
	return box
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

// MustSaveReport stores a report with a verdict, what was read in it and what tasks said, whatever its
// author has said before.
func MustSaveReport(tb testing.TB, d *db.DB, r report.Report, v report.Verdict) {
	tb.Helper()
	h := MustHear(tb, d, r)
	h.Report.Reading, h.Report.Results = r.Reading, r.Results
	saved := MustJudge(tb, d, h, v, NoBrake{})
	if saved.Verdict != v {
		tb.Fatalf("the verdict is %+v, want %+v", saved.Verdict, v)
	}
}

// MustHear stores a report that waits to be judged.
func MustHear(tb testing.TB, d *db.DB, r report.Report) db.Heard {
	tb.Helper()
	if err := d.Hear(tb.Context(), r); err != nil {
		tb.Fatal(err)
	}
	list, err := d.Unjudged(tb.Context(), 0, 1, 0, 1<<20)
	if err != nil {
		tb.Fatal(err)
	}
	for _, h := range list {
		if h.Report.ID == r.ID {
			return h
		}
	}
	tb.Fatalf("report %s does not wait to be judged", r.ID)
	panic("unreachable")
}

// MustJudge stores the verdict on a report that is sent to audiences.
func MustJudge(tb testing.TB, d *db.DB, h db.Heard, v report.Verdict, brake db.Brake, audiences ...db.Audience) db.Saved {
	tb.Helper()
	saved, err := d.SaveVerdicts(tb.Context(), []db.Ruling{{Heard: h, Verdict: v, Audiences: audiences}}, brake)
	if err != nil {
		tb.Fatal(err)
	}
	return saved[0]
}

// MustHaveOpen returns what a bot has to send at that time.
func MustHaveOpen(tb testing.TB, d *db.DB, botID int64, at time.Time) []db.Fanout {
	tb.Helper()
	list, more, _, err := d.OpenFanouts(tb.Context(), botID, at, 1<<20, func(int64) bool { return false })
	if err != nil || more {
		tb.Fatalf("what bot %d has to send: more %v, %v", botID, more, err)
	}
	return list
}

// MustSaveOutcomes stores what became of deliveries and returns the bots that have
// something new to take back.
func MustSaveOutcomes(tb testing.TB, d *db.DB, list ...db.Outcome) (bots []int64) {
	tb.Helper()
	bots, err := d.SaveOutcomes(tb.Context(), list)
	if err != nil {
		tb.Fatal(err)
	}
	return bots
}

// NoBrake is a db.Brake that lets every report pass.
type NoBrake struct{}

var _ db.Brake = NoBrake{}

// Window counts nothing.
func (NoBrake) Window() time.Duration { return 0 }

// Crowd counts nobody.
func (NoBrake) Crowd() bool { return false }

// Sameness compares texts as they are.
func (NoBrake) Sameness(text string) string { return text }

// Judge lets the verdict stand.
func (NoBrake) Judge(v report.Verdict, _ db.History) report.Verdict { return v }
