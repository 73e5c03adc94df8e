package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

func TestHearTwiceIsOneReport(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	var told []db.Heard
	d.FollowHeard(func(h db.Heard) { told = append(told, h) })
	first := newReport(c, "1", "a", "text", noon)
	again := first
	again.Text = "as it was edited"
	h := dbtest.MustHear(t, d, first)
	dbtest.MustHear(t, d, again)
	if diff := cmp.Diff([]db.Heard{{Seq: h.Seq, Report: &first}}, told); diff != "" {
		t.Errorf("told: %s", diff)
	}
	if diff := cmp.Diff(told, mustListUnjudged(t, d)); diff != "" {
		t.Errorf("waits to be judged: %s", diff)
	}
	dbtest.MustJudge(t, d, h, report.Verdict{Passed: true}, dbtest.NoBrake{})
	if err := d.Hear(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if list := mustListUnjudged(t, d); len(list) != 0 || len(told) != 1 || d.Backlog() != 0 {
		t.Errorf("heard after it was judged: %d wait, told of %d, backlog %d", len(list), len(told), d.Backlog())
	}
}

func mustListUnjudged(t *testing.T, d *db.DB) []db.Heard {
	t.Helper()
	list, err := d.Unjudged(t.Context(), 0, 1, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestHearWaitsForTheDisk has the disk fail: what was heard is not acknowledged
// then, and what is heard once more neither, though it is in the database.
func TestHearWaitsForTheDisk(t *testing.T) {
	d := mustOpenIn(t, t.TempDir())
	defer func() { _ = d.Close() }() // its log is closed already
	c := dbtest.MustCreateCity(t, d, "city")
	dbtest.MustHear(t, d, newReport(c, "1", "a", "text", noon))
	if err := d.BreakDisk(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2"} {
		if err := d.Hear(t.Context(), newReport(c, id, "a", "text", noon)); err == nil {
			t.Errorf("report %s was acknowledged and may not be on disk", id)
		}
	}
}

// TestHearOfUnknownCity hears for a city that is gone in one transaction with
// reports of one that is there: those are stored.
func TestHearOfUnknownCity(t *testing.T) {
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	waiting, release := d.Hold(t.Context())
	defer release()
	const n = 20
	errs := make([]error, n)
	var hearing sync.WaitGroup
	for i := range n {
		r := newReport(c, fmt.Sprint(i), "a", "text", noon)
		if i%5 == 2 {
			r.CityID = 99
		}
		hearing.Go(func() { errs[i] = d.Hear(t.Context(), r) })
	}
	await(t, func() bool { return waiting() == n })
	release()
	hearing.Wait()
	for i, err := range errs {
		switch {
		case i%5 == 2 && !errors.Is(err, db.ErrNotFound):
			t.Errorf("report %d of a city that is gone: %v, want ErrNotFound", i, err)
		case i%5 != 2 && err != nil:
			t.Errorf("report %d: %v", i, err)
		}
	}
	if list := mustListUnjudged(t, d); len(list) != n*4/5 || d.Backlog() != n*4/5 {
		t.Errorf("%d reports stored, backlog %d, want %d", len(list), d.Backlog(), n*4/5)
	}
}

// await waits until what is asked is true, a minute at most.
func await(t *testing.T, is func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatal("it never came true")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestFollowHeardKeepsTheOrder has many hear at once, each report by two of them.
func TestFollowHeardKeepsTheOrder(t *testing.T) {
	const hearers, each = 8, 40
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	var told []db.Heard
	d.FollowHeard(func(h db.Heard) { told = append(told, h) })
	var hearing sync.WaitGroup
	for n := range hearers {
		hearing.Go(func() {
			for i := range each {
				r := newReport(c, fmt.Sprint(n/2, " ", i), "a", "text", noon)
				if err := d.Hear(t.Context(), r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	hearing.Wait()
	if len(told) != hearers/2*each {
		t.Errorf("told of %d reports, want %d", len(told), hearers/2*each)
	}
	if !slices.IsSortedFunc(told, func(a, b db.Heard) int { return int(a.Seq - b.Seq) }) {
		t.Error("told of reports in another order than that in which they were stored")
	}
	if diff := cmp.Diff(mustListUnjudged(t, d), told); diff != "" {
		t.Errorf("told of others than were stored: %s", diff)
	}
}

func TestUnjudgedByLanes(t *testing.T) {
	const lanes = 3
	d := dbtest.MustOpen(t, clock, nil)
	want := make(map[int64][]string) // by lane
	var judged db.Heard
	for city := range 5 {
		c := dbtest.MustCreateCity(t, d, fmt.Sprint("city", city))
		for i := range 4 {
			id := fmt.Sprint(city, " ", i)
			h := dbtest.MustHear(t, d, newReport(c, id, "a", "text", noon))
			if id == "1 2" {
				judged = h
				continue
			}
			want[c.ID%lanes] = append(want[c.ID%lanes], id)
		}
	}
	dbtest.MustJudge(t, d, judged, report.Verdict{}, dbtest.NoBrake{})
	for lane := range int64(lanes) {
		var got []string
		for after, more := int64(0), true; more; {
			list, err := d.Unjudged(t.Context(), lane, lanes, after, 3)
			if err != nil || len(list) > 3 {
				t.Fatalf("%d reports, want at most 3: %v", len(list), err)
			}
			for _, h := range list {
				got, after = append(got, h.Report.ID), h.Seq
			}
			more = len(list) > 0
		}
		if diff := cmp.Diff(want[lane], got); diff != "" {
			t.Errorf("lane %d: %s", lane, diff)
		}
	}
}

// TestBacklog counts what waits also where it goes without being judged, and in a
// database that is opened again.
func TestBacklog(t *testing.T) {
	dir := t.TempDir()
	d := mustOpenIn(t, dir)
	c := dbtest.MustCreateCity(t, d, "city")
	gone := dbtest.MustCreateCity(t, d, "gone")
	for i := range 3 {
		dbtest.MustHear(t, d, newReport(c, fmt.Sprint("c", i), "a", "text", noon))
		dbtest.MustHear(t, d, newReport(gone, fmt.Sprint("g", i), "a", "text", noon))
	}
	dbtest.MustJudge(t, d, mustListUnjudged(t, d)[0], report.Verdict{}, dbtest.NoBrake{})
	if got := d.Backlog(); got != 5 {
		t.Errorf("backlog %d, want 5", got)
	}
	if err := d.DeleteCity(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	mustCount := func(d *db.DB) {
		t.Helper()
		if err := d.CountBacklog(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := d.Backlog(); got != 2 {
			t.Errorf("backlog %d after it was counted, want 2", got)
		}
	}
	mustCount(d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpenIn(t, dir)
	defer again.Close()
	mustCount(again)
}

// mustOpenIn opens the database in dir, which the test closes.
func mustOpenIn(t *testing.T, dir string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), dir, clock, silent)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), nil); err != nil {
		_ = d.Close() // the error of migrating is the one to report
		t.Fatal(err)
	}
	return d
}

// TestBacklogIsCountedWhileItChanges counts again and again while reports come and
// are judged: none is missed, and none counted twice.
func TestBacklogIsCountedWhileItChanges(t *testing.T) {
	const hearers, each = 4, 40
	d := dbtest.MustOpen(t, clock, nil)
	c := dbtest.MustCreateCity(t, d, "city")
	var working sync.WaitGroup
	for n := range hearers {
		working.Go(func() {
			for i := range each {
				if err := d.Hear(t.Context(), newReport(c, fmt.Sprint(n, " ", i), "", "text", noon)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Go(func() {
		for range each {
			list, err := d.Unjudged(t.Context(), 0, 1, 0, 1)
			if err != nil || len(list) == 0 {
				continue
			}
			if _, err := d.SaveVerdicts(t.Context(), []db.Ruling{{Heard: list[0]}}, dbtest.NoBrake{}); err != nil {
				t.Error(err)
			}
		}
	})
	working.Go(func() {
		for range each {
			if err := d.CountBacklog(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	working.Wait()
	if d.OnServer() { // others write to it as well: what is known is what was counted last
		if err := d.CountBacklog(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if got, want := d.Backlog(), len(mustListUnjudged(t, d)); got != want {
		t.Errorf("backlog %d, want %d", got, want)
	}
}
