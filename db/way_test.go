package db_test

import (
	"cmp"
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

func TestJudgements(t *testing.T) {
	now := clock()
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	c, other := dbtest.MustCreateCity(t, d, "nuernberg"), dbtest.MustCreateCity(t, d, "fuerth")
	say := func(c report.City, id string, bot int64, ago time.Duration, v report.Verdict) {
		t.Helper()
		at := now.Add(-ago)
		dbtest.MustSaveReport(t, d, report.Report{ID: id, CityID: c.ID, BotID: bot, Network: "toy", Text: id, Time: at, Received: at}, v)
	}
	trigger := report.Verdict{Passed: true, Reason: report.ReasonTrigger}
	say(c, "now", 1, time.Minute, trigger)
	say(c, "before", 1, 2*time.Hour, trigger)
	say(c, "yesterday", 1, 20*time.Hour, trigger)
	say(c, "refused", 2, 2*time.Minute, report.Verdict{Reason: report.ReasonNoTrigger})
	say(c, "held", 2, 3*time.Minute, report.Verdict{Reason: report.ReasonFlood})
	say(other, "theirs", 3, time.Minute, trigger)
	judgements := func(since time.Duration) []db.Judgement {
		t.Helper()
		list, err := d.Judgements(t.Context(), c.ID, now.Add(-since))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(list, func(a, b db.Judgement) int {
			return cmp.Or(cmp.Compare(a.BotID, b.BotID), cmp.Compare(b.Reason, a.Reason))
		})
		return list
	}
	want := []db.Judgement{
		{BotID: 1, Passed: true, Reason: report.ReasonTrigger, Day: 2, LastHour: 1},
		{BotID: 2, Reason: report.ReasonNoTrigger, Day: 1, LastHour: 1},
		{BotID: 2, Held: true, Reason: report.ReasonFlood, Day: 1, LastHour: 1},
	}
	if diff := gocmp.Diff(want, judgements(12*time.Hour)); diff != "" {
		t.Error(diff)
	}
	for i := range want { // a minute after midnight the hour goes on
		want[i].Day = 0
	}
	if diff := gocmp.Diff(want, judgements(30*time.Second)); diff != "" {
		t.Error(diff)
	}
}

func TestFirstStepsAreNotedOnce(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c, other := dbtest.MustCreateCity(t, d, "nuernberg"), dbtest.MustCreateCity(t, d, "fuerth")
	for _, step := range []string{"text", "test", "text"} {
		if err := d.NoteStep(t.Context(), c.ID, step); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.NoteStep(t.Context(), 999, "text"); !errors.Is(err, db.ErrNotFound) {
		t.Errorf("of a city that is not there: %v", err)
	}
	steps, err := d.Steps(t.Context(), c.ID)
	none, otherErr := d.Steps(t.Context(), other.ID)
	if !slices.Equal(steps, []string{"text", "test"}) || len(none) > 0 || err != nil || otherErr != nil {
		t.Errorf("noted %q and %q, %v, %v", steps, none, err, otherErr)
	}
}

// TestUndo gives back what was kept, once, in time, and to the city that it is of.
func TestUndo(t *testing.T) {
	now := clock()
	d := dbtest.MustOpen(t, func() time.Time { return now }, nil)
	c, other := dbtest.MustCreateCity(t, d, "nuernberg"), dbtest.MustCreateCity(t, d, "fuerth")
	keep := func(before string) {
		t.Helper()
		if err := d.KeepUndo(t.Context(), db.Undo{CityID: c.ID, Act: "rules.reset", Before: before, For: 30 * time.Second}); err != nil {
			t.Fatal(err)
		}
	}
	take := func(city int64, want string, wantErr error) {
		t.Helper()
		if got, err := d.TakeUndo(t.Context(), city, "rules.reset", ""); got != want || !errors.Is(err, wantErr) {
			t.Errorf("took %q, %v; want %q, %v", got, err, want, wantErr)
		}
	}
	keep("one")
	keep("two")
	take(other.ID, "", db.ErrNotFound)
	if until, err := d.Undoable(t.Context(), c.ID, "rules.reset", ""); !until.Equal(now.Add(30*time.Second)) || err != nil {
		t.Errorf("it can be undone until %s, %v", until, err)
	}
	take(c.ID, "two", nil)
	take(c.ID, "", db.ErrNotFound)
	keep("three")
	now = now.Add(31 * time.Second)
	take(c.ID, "", db.ErrNotFound)
	if until, err := d.Undoable(t.Context(), c.ID, "rules.reset", ""); !until.IsZero() || err != nil {
		t.Errorf("it can be undone until %s, %v", until, err)
	}
	if err := d.DeleteExpired(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	now = now.Add(-31 * time.Second)
	take(c.ID, "", db.ErrNotFound) // it is gone, and not only hidden
}
