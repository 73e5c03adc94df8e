package db_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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
	crowd  bool
	told   []db.History
}

func (a *alike) Window() time.Duration { return a.window }

func (a *alike) Crowd() bool { return a.crowd }

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
				h := dbtest.MustHear(t, d, newReport(c, fmt.Sprint(i), s.author, s.text, noon.Add(s.after)))
				dbtest.MustJudge(t, d, h, report.Verdict{Passed: !s.held}, brake)
			}
			if diff := cmp.Diff(tt.want, brake.told); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestVerdictsTogether stores verdicts at once, of which some depend on others,
// and once more: each report has one verdict and is sent once.
func TestVerdictsTogether(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	passed := report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "u1"}
	held := report.Verdict{Reason: report.ReasonNoTrigger}
	repeated := report.Verdict{Reason: report.ReasonRepeated}
	audiences := []db.Audience{{BotID: 1, Recipients: []int64{0}}, {BotID: 2, Recipients: []int64{3, 5}}}
	ruling := func(id, author, text string, v report.Verdict) db.Ruling {
		return db.Ruling{Heard: dbtest.MustHear(t, d, newReport(c, id, author, text, noon)), Verdict: v, Audiences: audiences}
	}
	list := []db.Ruling{
		ruling("1", "a", "u1", passed),
		ruling("2", "a", "U1", passed),
		ruling("3", "", "hello", held),
		ruling("4", "b", "u1", passed),
	}
	list = append(list, list[0], db.Ruling{Heard: db.Heard{Seq: 99, Report: list[0].Report}, Verdict: passed, Audiences: audiences})
	brake := &alike{window: time.Minute}
	got := mustSaveVerdicts(t, d, list, brake)
	for i, want := range []db.Saved{{Judged: true, Verdict: passed}, {Judged: true, Verdict: repeated}, {Judged: true, Verdict: held},
		{Judged: true, Verdict: passed}, {}, {}} {
		if fanouts := len(got[i].Fanouts); fanouts != 0 != want.Verdict.Passed {
			t.Errorf("ruling %d: %d fanouts", i, fanouts)
		}
		if diff := cmp.Diff(want, got[i], cmpopts.IgnoreFields(db.Saved{}, "Fanouts")); diff != "" {
			t.Errorf("ruling %d: %s", i, diff)
		}
	}
	list[2].Verdict = passed // the rules were changed in the meantime
	for i, s := range mustSaveVerdicts(t, d, list, brake) {
		if s.Judged || len(s.Fanouts) > 0 {
			t.Errorf("ruling %d once more: %+v", i, s)
		}
	}
	for _, bot := range []int64{1, 2} {
		if open := dbtest.MustHaveOpen(t, d, bot, noon); len(open) != 2 || open[0].Report.ID != "1" || open[1].Report.ID != "4" {
			t.Errorf("bot %d sends %v, want reports 1 and 4", bot, open)
		}
	}
	stored, err := d.Report(t.Context(), c.ID, "1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(db.Judged{Seq: list[0].Seq, Report: *list[0].Report, Verdict: passed}, stored); diff != "" {
		t.Errorf("stored: %s", diff)
	}
}

func mustSaveVerdicts(t *testing.T, d *db.DB, list []db.Ruling, brake db.Brake) []db.Saved {
	t.Helper()
	saved, err := d.SaveVerdicts(t.Context(), list, brake)
	if err != nil {
		t.Fatal(err)
	}
	return saved
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
		dbtest.MustJudge(t, d, dbtest.MustHear(t, d, newReport(c, id, "a", id, noon)), report.Verdict{Passed: true}, brake)
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
