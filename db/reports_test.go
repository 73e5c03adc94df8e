package db_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

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

func (a *alike) Window() time.Duration { return a.window }

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
